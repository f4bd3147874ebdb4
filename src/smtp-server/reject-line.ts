// The log line of a refusal, as Postfix writes it: what fail2ban, pflogsumm and people look for.

import { replyText, type SmtpReply } from '../smtp/reply.ts';
import type { Conversation, RejectedEnvelope } from './conversation.ts';

export function rejectLine(session: Conversation, where: string, reply: SmtpReply, envelope: RejectedEnvelope): string {
  const { queueId = 'NOQUEUE', sender, recipient } = envelope;
  const from = sender === undefined ? '' : ` from=<${sender}>`;
  const to = recipient === undefined ? '' : ` to=<${recipient}>`;
  const helo = session.helo === '' ? '' : ` helo=<${session.helo}>`;
  const login = session.login === undefined ? '' : ` sasl_username=<${session.login}>`;
  const details = `${from}${to} proto=${session.protocol}${helo}${login}`;
  return `${queueId}: reject: ${where} from ${session.clientText}: ${replyText(reply)};${details}`;
}
