// RSET, NOOP, HELP, EXPN and QUIT (RFC 5321 §4.1.1.5, §4.1.1.7–10).

import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { Session } from '../session.ts';

export function rset(session: Session, rest: string): SmtpReply {
  if (rest !== '') return replies.rsetSyntax;
  session.resetTransaction();
  return replies.ok;
}

export function noop(): SmtpReply {
  return replies.ok;
}

export function help(session: Session): SmtpReply {
  return reply(214, '2.0.0', `Commands: ${session.commandNames.join(' ')}`);
}

/** Tells nobody who is on a list (RFC 5321 §7.3). */
export function expn(): SmtpReply {
  return replies.notImplemented;
}

/** The rest of what was pipelined is not looked at. */
export function quit(session: Session): undefined {
  session.counts.count('quit', true);
  session.sayLast(replies.bye);
}
