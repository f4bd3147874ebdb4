// One mail transaction: from MAIL to the end of DATA, RSET or a new EHLO (RFC 5321 §3.3). A session has at most one.

import type { Delivery } from '../routing/types.ts';
import type { MailParameters } from '../smtp/parameters.ts';
import type { SmtpReply } from '../smtp/reply.ts';
import type { ChunkReader } from './body-reader.ts';

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
  /** Given at the first accepted recipient: from then on log lines carry it. */
  queueId: string | undefined;
  /** Refused recipients beyond smtpd_recipient_limit. */
  overshoot: number;
  /** Set by the first BDAT. */
  bdat: ChunkReader | undefined;
}
