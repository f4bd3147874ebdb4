// May this sender write to a mailing list or an alias? Answered by whoever knows them; the interface lives with its caller.

export interface PostingSource {
  /**
   * `recipient` is a final recipient whose transport is the lists'. Why mail from `sender` would not go to the members;
   * undefined: it may. Throws TemporaryError.
   */
  refusal(recipient: string, sender: string): string | undefined;
  /** `recipient` is as the client gave it, in standard form. Why `sender` may not write to the alias there, if any. */
  aliasRefusal?(recipient: string, sender: string): string | undefined;
}
