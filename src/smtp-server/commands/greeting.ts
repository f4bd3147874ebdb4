// HELO, EHLO and LHLO (RFC 5321 §4.1.1.1, RFC 2033 §4.1): who the client says it is, and what we offer it.
// A greeting in the middle of a session forgets the transaction, as RSET does.

import { neutered, printable } from '../../smtp/command-line.ts';
import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { Conversation } from '../conversation.ts';
import type { SessionFilters } from '../filters.ts';
import { discardedKeywords, offeredMechanisms, offersAuthentication, offersStartTls } from '../offers.ts';
import { xclientNames } from './xclient.ts';
import { xforwardNames } from './xforward.ts';

/** Names longer than any host name are cut: the name goes into every log line and into Received:. */
const maxNameLength = 255;

export function helo(session: Conversation, rest: string): SmtpReply | Promise<SmtpReply> {
  if (rest === '') return replies.heloSyntax;
  return judged(session, rest, () => {
    // A client that once said EHLO knows of PIPELINING, whatever it says later: smtpd(8) does not go back either.
    begin(session, rest, session.protocol === 'ESMTP' ? 'ESMTP' : 'SMTP');
    return reply(250, '', session.options.hostname);
  });
}

export function ehlo(session: Conversation, rest: string): SmtpReply | Promise<SmtpReply> {
  if (rest === '') return replies.ehloSyntax;
  return judged(session, rest, () => {
    begin(session, rest, 'ESMTP');
    return offer(session);
  });
}

export function lhlo(session: Conversation, rest: string): SmtpReply | Promise<SmtpReply> {
  if (rest === '') return replies.lhloSyntax;
  return judged(session, rest, () => {
    begin(session, rest, 'LMTP');
    return offer(session);
  });
}

/** Goes on at once, or where nothing waits for RCPT (smtpd_delay_reject = no), when the name has been judged. */
function judged(
  session: Conversation,
  rest: string,
  go: () => SmtpReply | Promise<SmtpReply>,
): SmtpReply | Promise<SmtpReply> {
  const { policy } = session.parts;
  if (session.filters !== undefined) return judgedAndFiltered(session, session.filters, rest, go);
  if (policy.isDelayed) return go();
  const former = session.helo;
  // As it was given: what is no name must not become one.
  session.helo = printable(rest).slice(0, maxNameLength);
  return policy.checkHelo(session.asker, session.where).then((refusal) => {
    if (refusal === undefined) return go();
    session.logReject(session.where, refusal, {});
    session.helo = former;
    return refusal;
  });
}

async function judgedAndFiltered(
  session: Conversation,
  filters: SessionFilters,
  rest: string,
  go: () => SmtpReply | Promise<SmtpReply>,
): Promise<SmtpReply> {
  const { policy } = session.parts;
  const former = session.helo;
  session.helo = nameOf(rest);
  const refusal = policy.isDelayed ? undefined : await policy.checkHelo(session.asker, session.where);
  if (refusal !== undefined) session.logReject(session.where, refusal, {});
  const answer = refusal ?? (await filters.helo(session.helo));
  session.helo = former;
  return answer ?? (await go());
}

function nameOf(rest: string): string {
  return neutered(rest).slice(0, maxNameLength);
}

function offer(session: Conversation): SmtpReply | Promise<SmtpReply> {
  // Whom filters have refused is offered nothing, as Sendmail does it.
  if (session.filters?.hasRefused) return reply(250, '', `${session.options.hostname}\nENHANCEDSTATUSCODES`);
  const say = (mechanisms: string): SmtpReply =>
    reply(250, '', [session.options.hostname, ...keywords(session, mechanisms)].join('\n'));
  if (!offersAuthentication(session)) return say('');
  return offeredMechanisms(session).then(say);
}

function begin(session: Conversation, rest: string, protocol: 'SMTP' | 'ESMTP' | 'LMTP'): void {
  session.resetTransaction();
  session.filters?.introduced();
  session.helo = nameOf(rest);
  session.protocol = protocol;
}

/** The keyword `silent-discard` keeps this out of the log. */
function logDiscarded({ log }: Conversation, keywords: ReadonlySet<string>): void {
  if (keywords.has('silent-discard')) return;
  log.info(`discarding EHLO keywords: ${[...keywords].map((keyword) => keyword.toUpperCase()).join(' ')}`);
}

/** In the order in which Postfix lists them. */
function keywords(session: Conversation, mechanisms: string): string[] {
  const { options } = session;
  const offered = ['PIPELINING', options.messageSizeLimit > 0 ? `SIZE ${options.messageSizeLimit}` : 'SIZE'];
  if (!options.vrfyDisabled) offered.push('VRFY');
  if (options.protocol === 'smtp') offered.push('ETRN');
  if (offersStartTls(session)) offered.push('STARTTLS');
  if (mechanisms !== '') {
    offered.push(`AUTH ${mechanisms}`);
    // For clients that read only the draft's form of the line.
    if (options.saslBrokenClients) offered.push(`AUTH=${mechanisms}`);
  }
  if (session.rights.mayUseVerp && options.protocol === 'smtp') offered.push('XVERP');
  if (session.rights.mayUseXclient && options.protocol === 'smtp') offered.push(`XCLIENT ${xclientNames}`);
  if (session.rights.mayUseXforward && options.protocol === 'smtp') offered.push(`XFORWARD ${xforwardNames}`);
  offered.push('ENHANCEDSTATUSCODES', '8BITMIME', 'DSN');
  if (options.smtputf8) offered.push('SMTPUTF8');
  offered.push('CHUNKING');
  const discarded = discardedKeywords(session);
  if (discarded.size === 0) return offered;
  logDiscarded(session, discarded);
  return offered.filter((line) => !discarded.has(line.replace(/[ =].*$/, '').toLowerCase()));
}
