// RSET, NOOP, HELP and QUIT (RFC 5321 §4.1.1.5, §4.1.1.8-10).

import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { Conversation } from '../conversation.ts';

export function rset(session: Conversation, rest: string): SmtpReply {
  if (rest !== '') return replies.rsetSyntax;
  session.resetTransaction();
  return replies.ok;
}

export function noop(): SmtpReply {
  return replies.ok;
}

export function help(session: Conversation): SmtpReply {
  const { mayUseXclient, mayUseXforward } = session.rights;
  const hidden = new Set([mayUseXclient ? '' : 'XCLIENT', mayUseXforward ? '' : 'XFORWARD']);
  const names = session.commandNames.filter((name) => !hidden.has(name));
  return reply(214, '2.0.0', `Commands: ${names.join(' ')}`);
}

/** The rest of what was pipelined is not looked at. */
export function quit(session: Conversation): undefined {
  session.counts.count('quit', true);
  session.sayLast(replies.bye);
}
