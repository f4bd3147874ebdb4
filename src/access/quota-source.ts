// Is there room for a message, and is it taken now? Answered by whoever knows the mailboxes and their usage; the interface lives with
// its caller.

export interface QuotaSource {
  /** To be awaited before the questions, where it is not undefined. Rejects with TemporaryError. */
  fresh?(decision?: object): Promise<void> | undefined;
  /** `recipient` is a final recipient whose transport is the mailstore; `sizeBytes` what the client announced, or 0. */
  check(recipient: string, sizeBytes: number): 'ok' | 'full' | 'disabled' | { readonly maintenance: string };
  /** Why mail for the domain of `recipient` is put off for now, whatever becomes of it; ''. */
  maintenance?(recipient: string): string;
}
