// ETRN (RFC 1985): asks to deliver a domain's queued mail now. Postfix does so only for fast_flush_domains and
// gives this reply for all others; here there are none.

import { printable } from '../../smtp/command-line.ts';
import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { Conversation } from '../conversation.ts';

export function etrn(session: Conversation, rest: string): SmtpReply {
  if (session.helo === '' && session.options.heloRequired) return replies.sendHelo;
  if (session.transaction !== undefined) return replies.transactionInProgress;
  if (rest === '' || /\s/.test(rest)) return replies.etrnSyntax;
  return reply(459, '', `<${printable(rest).slice(0, 255)}>: service unavailable`);
}
