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
