// One command as the restrictions see it, and the log line that Postfix writes about such a one.

import type { Client } from '../routing/types.ts';
import type { MessageActions } from './message-actions.ts';
import type { RecipientsAhead } from './recipients-ahead.ts';

export interface MailRequest {
  readonly client: Client;
  /** External form; '' is the null sender; absent before MAIL. */
  readonly sender?: string | undefined;
  readonly recipient?: string | undefined;
  /** What Postfix calls so: `RCPT`, `DATA`, `END-OF-MESSAGE`. */
  readonly where?: string;
  readonly queueId?: string | undefined;
  /** Recipients accepted so far. */
  readonly recipientCount?: number;
  /** Octets: what SIZE= announced, or what came where that is known. */
  readonly size?: number;
  readonly etrnDomain?: string;
  /** The same for all requests about one message: policy services tell messages apart by it. */
  readonly instance?: string;
  /** Somebody only wants to know: no policy service is asked, which might count it, and nobody is made to wait. */
  readonly isQuestionOnly?: boolean;
  /** The transaction's own. */
  readonly actions?: MessageActions;
}

/** One transaction's command, without the recipient. */
export interface RecipientEnvelope extends Omit<MailRequest, 'recipient'> {
  /** External form; '' is the null sender. */
  readonly sender?: string;
  /** What is found out about recipients that the client has named already. */
  readonly ahead?: RecipientsAhead | undefined;
}

/** `name[address]`. */
export function clientText({ name = 'unknown', address = 'unknown' }: Client): string {
  return `${name}[${address}]`;
}

export function whatsupLine(
  request: MailRequest,
  what: string,
  text: string,
  from = clientText(request.client),
): string {
  const { client, sender, recipient, where = 'RCPT', queueId = 'NOQUEUE' } = request;
  let line = `${queueId}: ${what}: ${where} from ${from}: ${text};`;
  if (sender !== undefined) line += ` from=<${sender}>`;
  if (recipient !== undefined) line += ` to=<${recipient}>`;
  if (client.protocol !== undefined) line += ` proto=${client.protocol}`;
  if (client.helo !== undefined) line += ` helo=<${client.helo}>`;
  return line;
}
