// ETRN (RFC 1985): asks to deliver a domain's queued mail now. Postfix does so only for fast_flush_domains and
// gives this reply for all others; here there are none.

import { printable } from '../../smtp/command-line.ts';
import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { Conversation } from '../conversation.ts';

export function etrn(session: Conversation, rest: string): SmtpReply | Promise<SmtpReply> {
  if (session.helo === '' && session.options.heloRequired) return replies.sendHelo;
  if (session.transaction !== undefined) return replies.transactionInProgress;
  if (rest === '' || /\s/.test(rest)) return replies.etrnSyntax;
  const domain = printable(rest).slice(0, 255);
  return session.parts.policy.checkEtrn(domain, session.asker).then((refusal) => {
    if (refusal !== undefined) {
      session.logReject('ETRN', refusal, {});
      return refusal;
    }
    session.log.warning(`reject: ETRN ${domain.slice(0, 100)}... from ${session.clientText}`);
    return reply(459, '', `<${domain}>: service unavailable`);
  });
}
