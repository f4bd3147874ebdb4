// The door through which every message enters, whatever brought it (SMTP, LMTP, sendmail, a bounce).

import type { Content } from '../mailstore/types.ts';
import type { RecipientOrder } from '../milter/envelope-edits.ts';
import type { AddressHandling, Delivery } from '../routing/types.ts';

export interface SubmittedRecipient {
  /** As the client gave it (standard form). */
  readonly original: string;
  readonly notify: string;
  readonly orcpt: string;
  /** What routing decided at RCPT; decided again at the end of DATA when a table has changed since. */
  readonly deliveries: readonly Delivery[];
  /** The tables' revision when it was decided; absent: the decision stands. */
  readonly revision?: number;
}

export interface Submission {
  /** From newQueueId(); the client is told it, the log carries it. */
  readonly queueId: string;
  /** As the client gave it; the queue keeps it as rewriting makes it. */
  readonly sender: string;
  /** What is done to its addresses; absent: everything. */
  readonly handling?: AddressHandling;
  readonly recipients: readonly SubmittedRecipient[];
  /** What milters have ordered about recipients. */
  readonly recipientOrders?: readonly RecipientOrder[];
  /** `transport:nexthop` that all of it goes to instead (content_filter, FILTER). */
  readonly filter?: string;
  /** Kept in the queue, all of it, until somebody releases it (HOLD in an access table). */
  readonly hold?: boolean;
  /** Received: header and message, without Return-Path and Delivered-To. */
  readonly content: Content;
  readonly ret: string;
  readonly envid: string;
  readonly smtputf8: boolean;
  readonly eightBit: boolean;
  /** VERP delimiters: every recipient gets the mail from a sender address of its own. */
  readonly verp?: string;
  /** When the transaction began, milliseconds since 1970: for the log's delay. */
  readonly arrival: number;
  /** A door that may hand in the same message again after a crash names it; a second one is accepted and forgotten. */
  readonly once?: string;
}

/** A delivery's outcome. Doubt defers: an unknown exception is `deferred`, never `bounced`. */
export type DeliveryOutcome =
  | { readonly kind: 'delivered'; readonly status: string; readonly reason: string; readonly relay?: string }
  | { readonly kind: 'deferred'; readonly status: string; readonly reason: string; readonly relay?: string }
  | { readonly kind: 'bounced'; readonly status: string; readonly reason: string; readonly relay?: string };

/** Every recipient is a mailbox without room: the client keeps the message, so that no bounce has to be sent. */
export class MailboxFullError extends Error {
  override name = 'MailboxFullError';
}

export interface MailQueue {
  newQueueId(): string;
  /**
   * Resolves when the message is durable: in its local mailboxes, and in the queue for the others.
   * Throws StoreFullError (452 4.3.1), MailboxFullError (552 5.2.2) or TemporaryError (451 4.3.0); then nothing was
   * accepted.
   */
  submit(submission: Submission): Promise<void>;
  /** A message was accepted that a rule discards: nothing is stored but the number of its recipients. */
  recordDiscarded(recipients: readonly SubmittedRecipient[]): void;
}
