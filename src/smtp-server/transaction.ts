// One mail transaction: from MAIL to the end of DATA, RSET or a new EHLO (RFC 5321 §3.3). A session has at most one.

import type { MailRequest } from '../access/mail-request.ts';
import type { MessageActions } from '../access/message-actions.ts';
import type { RecipientsAhead } from '../access/recipients-ahead.ts';
import type { Client, Delivery } from '../routing/types.ts';
import type { MailParameters } from '../smtp/parameters.ts';
import type { SmtpReply } from '../smtp/reply.ts';
import type { ChunkReader } from './body-reader.ts';

/** What has been said of the message's first client, as far as the log shows it. */
export interface ForwardedClient {
  readonly name?: string | undefined;
  readonly address?: string | undefined;
  readonly ident?: string | undefined;
}

/** What a refusal is about, for its log line. */
export interface RejectedEnvelope {
  readonly queueId?: string | undefined;
  readonly sender?: string | undefined;
  readonly recipient?: string | undefined;
}

export interface AcceptedRecipient {
  /** Standard form. */
  readonly original: string;
  readonly notify: string;
  readonly orcpt: string;
  readonly deliveries: readonly Delivery[];
  /** The tables' revision at which that was decided. */
  readonly revision?: number;
  /** What routing can only refuse at the end of the data, as an alias that never ends (451 4.6.0). */
  readonly dataRefusal?: SmtpReply;
}

export interface Transaction {
  /** External form; '' for the null sender. */
  readonly sender: string;
  readonly parameters: MailParameters;
  /** Milliseconds since 1970. */
  readonly arrival: number;
  readonly recipients: AcceptedRecipient[];
  /** What access tables have ordered for the message. */
  readonly actions: MessageActions;
  /** For policy services: the same for all requests about this message. */
  readonly instance: string;
  /** Given at the first accepted recipient: from then on log lines carry it. */
  queueId: string | undefined;
  /** Refused recipients beyond smtpd_recipient_limit. */
  overshoot: number;
  /** Of recipients that the client has named already. */
  ahead?: RecipientsAhead;
  /** Set by the first BDAT. */
  bdat: ChunkReader | undefined;
}

/** The transaction as the restrictions see it at one command; `size` where more is known than SIZE= said. */
export function requestOf(
  transaction: Transaction,
  client: Client,
  where: string,
  size = transaction.parameters.size,
): MailRequest & { readonly sender: string } {
  const { sender, queueId, recipients, actions, instance } = transaction;
  const [only] = recipients;
  const isLate = where !== 'RCPT';
  return {
    client,
    where,
    sender,
    queueId,
    recipientCount: recipients.length,
    size,
    actions,
    instance,
    // What concerns all recipients is told of none.
    ...(isLate && recipients.length === 1 && only !== undefined ? { recipient: only.original } : {}),
  };
}

/** Whom the log line of a refusal that concerns all recipients names. */
export function rejectedEnvelope({ sender, queueId, recipients }: Transaction): RejectedEnvelope {
  const [only] = recipients;
  return { sender, queueId, ...(recipients.length === 1 && only !== undefined ? { recipient: only.original } : {}) };
}
