// Is there room for a message? Answered by whoever knows the mailboxes and their usage; the interface lives with
// its caller.

export interface QuotaSource {
  /** `recipient` is a final recipient whose transport is the mailstore; `sizeBytes` what the client announced, or 0. */
  check(recipient: string, sizeBytes: number): 'ok' | 'full' | 'disabled';
}
