// The words of transport(5) as the directory takes them: what an entry is about, and where it sends mail.

import { addressKey, type MailAddress, parseAddress, parseDomain } from './mail-address.ts';
import { refuse } from './refusal.ts';

/** What fits into the table's column. */
const maxTransportCharacters = 255;

/** `user@domain`, `domain`, `.parent` (every domain below it) or `*` (whatever no other entry matches). */
export function parseTransportPlace(text: string): MailAddress {
  const given = text.trim();
  if (given === '*') return { localpart: '', domain: '*', shown: '*' };
  if (given.startsWith('@')) refuse(`"${given}": transport(5) has the domain alone: write ${given.slice(1)}`);
  if (given.startsWith('.')) {
    const domain = `.${parseDomain(given.slice(1))}`;
    return { localpart: '', domain, shown: domain };
  }
  if (given.includes('@')) return parseAddress(given);
  const domain = parseDomain(given);
  return { localpart: '', domain, shown: domain };
}

/** As parseTransportPlace takes it. */
export function showTransportPlace({ localpart, domain }: Pick<MailAddress, 'localpart' | 'domain'>): string {
  return localpart === '' ? domain : addressKey({ localpart, domain, shown: '' });
}

/**
 * `transport:nexthop` of transport(5). Blanks stand only in the reason of error and retry, and between several next hops
 * (`smtp:[a], [b]`).
 */
export function parseTransport(text: string): string {
  const transport = text.trim();
  const match = /^([A-Za-z0-9_-]*):(.*)$/.exec(transport);
  const [, name = '', nexthop = ''] = match ?? [];
  const isReason = name === 'error' || name === 'retry' || name === 'discard';
  const isValid = match !== null && /^[\x20-\x7e]*$/.test(nexthop);
  if (!isValid || (!isReason && !/^(\S+(,\s+\S+)*)?$/.test(nexthop))) {
    refuse(`"${transport}" is not a transport: write it as in smtp:[192.0.2.1]:25 or lmtp:unix:/run/lmtp`);
  }
  if (transport.length > maxTransportCharacters) {
    refuse(`a transport has at most ${maxTransportCharacters} characters`);
  }
  return transport;
}
