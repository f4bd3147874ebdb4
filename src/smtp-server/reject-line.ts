// A refusal, as Postfix writes it: its log line, which fail2ban, pflogsumm and people look for, and what the client
// hears behind it.

import { whatsupLine } from '../access/mail-request.ts';
import { replyText, type SmtpReply } from '../smtp/reply.ts';
import type { Conversation } from './conversation.ts';
import type { SmtpPolicy } from './policy.ts';
import type { RejectedEnvelope } from './transaction.ts';

export function rejectLine(session: Conversation, where: string, reply: SmtpReply, envelope: RejectedEnvelope): string {
  return whatsupLine({ client: session.asker, where, ...envelope }, 'reject', replyText(reply), session.clientText);
}

/** smtpd_reject_footer. */
export function withFooter(
  { asker, where, concerned: transaction, parts }: Conversation,
  footer: NonNullable<SmtpPolicy['footer']>,
  refusal: SmtpReply,
): Promise<SmtpReply> {
  const [first] = transaction?.recipients ?? [];
  const request = { client: asker, where, sender: transaction?.sender, recipient: first?.original };
  return footer.addTo(refusal, request, parts.clock.now());
}
