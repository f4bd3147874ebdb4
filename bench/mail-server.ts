// What the bench asks of a server, ours or another: start, stop, say where it listens, what it used, and how many
// messages have arrived where a reader finds them.

export interface MailServer {
  /** As in the report's tables. */
  readonly name: string;
  readonly smtpPort: number;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The processes whose CPU is counted, with everything below them. */
  rootPids(): readonly number[];
  /** Resolves when nothing that was accepted is still on its way; at once where 250 means delivered. */
  waitUntilDelivered(): Promise<void>;
  /** Messages that a reader can see since the last call, over the first `mailboxes` numbered mailboxes. */
  takeDelivered(mailboxes: number): Promise<number>;
}

/** What an honest client is not held up by, and this load is: the same for every server. */
export const recipientLoadSettings: Readonly<Record<string, string>> = {
  smtpd_error_sleep_time: '0',
  smtpd_soft_error_limit: '1000000',
  smtpd_hard_error_limit: '1000000',
  smtpd_recipient_limit: '1000000',
};
