// HELO, EHLO and LHLO (RFC 5321 §4.1.1.1, RFC 2033 §4.1): who the client says it is, and what we offer it.
// A greeting in the middle of a session forgets the transaction, as RSET does.

import { printable } from '../../smtp/command-line.ts';
import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { Conversation } from '../conversation.ts';
import { offersAuthentication, offersStartTls } from '../offers.ts';

/** Names longer than any host name are cut: the name goes into every log line and into Received:. */
const maxNameLength = 255;

export function helo(session: Conversation, rest: string): SmtpReply {
  if (rest === '') return replies.heloSyntax;
  begin(session, rest, 'SMTP');
  return reply(250, '', session.options.hostname);
}

export function ehlo(session: Conversation, rest: string): SmtpReply {
  if (rest === '') return replies.ehloSyntax;
  begin(session, rest, 'ESMTP');
  return reply(250, '', [session.options.hostname, ...keywords(session)].join('\n'));
}

export function lhlo(session: Conversation, rest: string): SmtpReply {
  if (rest === '') return replies.lhloSyntax;
  begin(session, rest, 'LMTP');
  return reply(250, '', [session.options.hostname, ...keywords(session)].join('\n'));
}

function begin(session: Conversation, rest: string, protocol: 'SMTP' | 'ESMTP' | 'LMTP'): void {
  session.resetTransaction();
  session.helo = printable(rest).slice(0, maxNameLength);
  session.protocol = protocol;
}

/** In the order in which Postfix lists them. */
function keywords(session: Conversation): string[] {
  const { options } = session;
  const offered = ['PIPELINING', options.messageSizeLimit > 0 ? `SIZE ${options.messageSizeLimit}` : 'SIZE'];
  if (!options.vrfyDisabled) offered.push('VRFY');
  if (options.protocol === 'smtp') offered.push('ETRN');
  if (offersStartTls(session)) offered.push('STARTTLS');
  if (offersAuthentication(session)) {
    offered.push('AUTH PLAIN LOGIN');
    // For clients that read only the draft's form of the line.
    if (options.saslBrokenClients) offered.push('AUTH=PLAIN LOGIN');
  }
  offered.push('ENHANCEDSTATUSCODES', '8BITMIME', 'DSN');
  if (options.smtputf8) offered.push('SMTPUTF8');
  offered.push('CHUNKING');
  if (options.discardedKeywords.size === 0) return offered;
  return offered.filter((line) => !options.discardedKeywords.has(line.replace(/[ =].*$/, '').toLowerCase()));
}
