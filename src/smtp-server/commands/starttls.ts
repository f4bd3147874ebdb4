// STARTTLS (RFC 3207). What the client sent behind it in the clear is thrown away: an attacker on the line could
// have put it there, to be obeyed as if it came from inside TLS (CVE-2011-0411). Everything learned before is
// forgotten (RFC 3207 §4.2).

import { reply, replies, type SmtpReply } from '../../smtp/reply.ts';
import type { Conversation } from '../conversation.ts';
import { beginTls, exceedsTlsRate, hasTooManyTlsSessions } from '../tls-handshake.ts';

export function starttls(session: Conversation, rest: string): SmtpReply | undefined | Promise<undefined> {
  const { options, parts } = session;
  if (rest !== '') return replies.starttlsSyntax;
  if (session.tls !== undefined) return replies.tlsAlreadyActive;
  if (options.tlsLevel === 'none' || (options.protocol !== 'smtp' && parts.tls === undefined))
    return replies.notImplemented;
  if (parts.tls === undefined) return replies.tlsUnavailable;
  if (hasTooManyTlsSessions(session)) {
    session.log.warning(
      `Refusing STARTTLS request from ${session.clientText} for service ${session.parts.serviceName}`,
    );
    return reply(454, '4.7.0', `Error: too many new TLS sessions from ${session.clientText}`);
  }
  session.counts.count('starttls', true);
  session.wire.discardInput();
  session.sayNow(replies.readyForTls);
  return beginTls(session, parts.tls).then((hasBegun) => {
    if (!hasBegun || exceedsTlsRate(session)) return undefined;
    session.forgetIntroduction();
    return undefined;
  });
}
