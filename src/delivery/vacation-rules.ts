// Who is never answered by a program (RFC 3834 §2, RFC 5230 §4.6): the null sender, senders that are programs, and
// messages that say that they are automatic, a list's, bulk mail, or do not want a reply.

import { fold } from '../address/form.ts';
import { parseAddressList } from '../message/address-list.ts';
import { asUtf8, fieldBodies, type MessageHeader } from './message-header.ts';

/** Localparts that no person reads; `-request` and `owner-` of lists, the daemons, and those that say so. */
const automaticSender =
  /^(?:mailer-daemon|listserv|listproc|majordomo|mailman|sympa|double-bounce|bounces?|no-?_?\.?reply|do-?_?\.?not-?_?\.?reply)(?:$|[+=-])|^owner-|-(?:request|owner|relay|bounces?|errors?)(?:$|[+=])/;

/** Why nobody is answered; undefined: a reply may be meant. */
export function whyNoReply(sender: string, header: Pick<MessageHeader, 'fields'>): string | undefined {
  if (sender === '') return 'it has the null sender';
  const at = sender.lastIndexOf('@');
  if (at <= 0) return 'its sender has no domain';
  if (automaticSender.test(fold(sender.slice(0, at)))) return 'its sender is no person';
  // RFC 3834 §5: `no` may be followed by parameters and comments.
  const word = (body: string): string => /^[\s]*([^\s;(]*)/.exec(body)?.[1]?.toLowerCase() ?? '';
  if (fieldBodies(header, 'auto-submitted').some((body) => word(body) !== 'no')) return 'it was sent automatically';
  if (fieldBodies(header, 'precedence').some((body) => /^(bulk|list|junk)$/.test(word(body)))) {
    return 'it is bulk mail (Precedence)';
  }
  const list = header.fields.find(({ name }) => /^(list-|x-mailing-list$|mailing-list$)/i.test(name));
  if (list !== undefined) return `it is from a mailing list (${list.name})`;
  const suppressed = fieldBodies(header, 'x-auto-response-suppress')
    .join(',')
    .toLowerCase()
    .split(/[\s,]+/);
  if (suppressed.some((one) => one === 'all' || one === 'oof' || one === 'autoreply')) {
    return 'it asks for no automatic reply';
  }
  if (header.fields.some(({ name }) => /^(x-autoreply|x-autorespond|x-autoresponse)$/i.test(name))) {
    return 'it is an automatic reply';
  }
  if (fieldBodies(header, 'x-spam-flag').some((body) => word(body) === 'yes')) return 'it is marked as spam';
  if (fieldBodies(header, 'content-type').some((body) => word(body) === 'multipart/report')) return 'it is a report';
  return undefined;
}

/** What message/address-list.ts says in place of what is missing. */
const damaged = /^(MISSING|SYNTAX)_[A-Z]+$/;
const addressFields = ['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc'];

/** The addresses that a message says it was sent to, folded, each once (RFC 5230 §4.5). */
export function addressees(header: Pick<MessageHeader, 'fields'>): string[] {
  const found = new Set<string>();
  for (const { name, body } of header.fields) {
    if (!addressFields.includes(name.toLowerCase())) continue;
    for (const { mailbox, host } of parseAddressList(asUtf8(body))) {
      if (mailbox === undefined || host === undefined || damaged.test(mailbox) || damaged.test(host)) continue;
      found.add(fold(`${mailbox}@${host}`));
    }
  }
  return [...found];
}
