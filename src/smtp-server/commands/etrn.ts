// ETRN (RFC 1985): asks to try a domain's queued mail now. Done for fast_flush_domains alone; a literal and the forms
// `@domain` and `#queue` are taken as smtpd(8) takes them. Its replies have no enhanced status codes.

import { isHostname, literalAddress } from '../../address/domain.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { printable } from '../../smtp/command-line.ts';
import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { Conversation } from '../conversation.ts';

const sendHelo = reply(503, '', 'Error: send HELO/EHLO first');
const inTransaction = reply(503, '', 'Error: MAIL transaction in progress');
const badSyntax = reply(501, '', 'Error: invalid parameter syntax');
const started = reply(250, '', 'Queuing started');

export function etrn(session: Conversation, rest: string): SmtpReply | Promise<SmtpReply> {
  if (session.helo === '' && session.options.heloRequired) return sendHelo;
  if (session.transaction !== undefined) return inTransaction;
  if (rest === '' || /\s/.test(rest)) return replies.etrnSyntax;
  const site = rest.replace(/^[@#]/, '');
  if (!isHostname(site) && !(site.startsWith('[') && literalAddress(site) !== undefined)) return badSyntax;
  return flush(session, site);
}

async function flush(session: Conversation, site: string): Promise<SmtpReply> {
  const { policy, flushSite } = session.parts;
  const refusal = await policy.checkEtrn(site, session.asker);
  if (refusal !== undefined) {
    session.logReject('ETRN', refusal, {});
    return refusal;
  }
  try {
    if (flushSite === undefined || !(await policy.isFlushedSite(site))) {
      session.log.warning(`reject: ETRN ${printable(site).slice(0, 100)}... from ${session.clientText}`);
      return reply(459, '', `<${printable(site)}>: service unavailable`);
    }
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    session.log.warning(`ETRN from ${session.clientText}: ${error.message}`);
    return reply(458, '', 'Unable to queue messages');
  }
  return flushSite(site) ? started : reply(458, '', 'Unable to queue messages');
}
