// May this sender write to a mailing list? Answered by whoever knows the lists; the interface lives with its caller.

export interface PostingSource {
  /**
   * `recipient` is a final recipient whose transport is the lists'. Why mail from `sender` would not go to the members;
   * undefined: it may. Throws TemporaryError.
   */
  refusal(recipient: string, sender: string): string | undefined;
}
