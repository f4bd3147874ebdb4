// A mailbox as lookups answer (lookups.ts): for deliveries, the quota check and logins.

/** What the delivery agent and the quota check ask. */
export interface MailboxEntry {
  readonly id: number;
  /** The mailbox's address, folded: `user@domain`. */
  readonly address: string;
  /** 0 is unlimited. */
  readonly quotaBytes: number;
  /** The mailbox and its domain are. */
  readonly enabled: boolean;
  /** Until when it answers mail by itself (milliseconds since 1970); 0: never. */
  readonly vacationUntil: number;
  /** Why its mail is put off for now, its domain's included; ''. */
  readonly maintenance: string;
  /** Within a day; 0 without limit, -1 as the settings say. */
  readonly messageLimit: number;
  readonly recipientLimit: number;
}

export interface MailboxCredentials extends MailboxEntry {
  readonly passwordHash: string;
}
