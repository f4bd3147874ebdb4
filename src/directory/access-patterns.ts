// Which patterns an access rule may have (access(5)), and the one form in which each is kept and looked up.
//
//   client     mail.example.net, example.net, .example.net   the client's confirmed name, or a parent of it
//              192.0.2.7, 192.0.2, 2001:db8::7, 2001:db8:1    its address, or the beginning of it
//   helo       the name or address that it says, or a parent
//   sender, recipient   user@domain, user+ext@domain, domain, .domain, user@; <> is the null sender
//
// A network is kept as access(5) writes it where it ends at an octet (192.0.2.0/24 as 192.0.2). Others have no fixed keys:
// they belong into a cidr: table of the configuration.

import { isIpAddress, isIpv4, isIpv6 } from '../address/domain.ts';
import { addressKey, parseAddress, parseDomain } from './mail-address.ts';
import { refuse } from './refusal.ts';
import type { AccessStage } from './schema.ts';

export function parsePattern(stage: AccessStage, text: string): string {
  const given = text.trim();
  if (given === '') refuse('a rule needs a pattern, as in: posthaste access add --sender spammer@example.net REJECT');
  switch (stage) {
    case 'client':
      return parseNetwork(given) ?? parseHost(given, stage);
    case 'helo':
      return isIpAddress(given) ? canonicalAddress(given) : parseHost(given, stage);
    case 'sender':
    case 'recipient':
      return parseMail(given, stage);
  }
}

function parseHost(given: string, stage: AccessStage): string {
  if (given.includes('@')) refuse(`"${given}" is an address: a ${stage} has a name (did you mean --sender?)`);
  return given.startsWith('.') ? `.${parseDomain(given.slice(1))}` : parseDomain(given);
}

function parseMail(given: string, stage: AccessStage): string {
  if (given === '<>') {
    if (stage === 'recipient') refuse('nobody writes to <>: it is the null sender');
    return given;
  }
  if (given.startsWith('@')) refuse(`"${given}": access(5) has the domain alone: write ${given.slice(1)}`);
  // The domain is none of the pattern's.
  if (given.endsWith('@')) return addressKey(parseAddress(`${given}example.com`)).replace(/example\.com$/, '');
  return given.includes('@') ? addressKey(parseAddress(given)) : parseHost(given, stage);
}

/** Undefined where the text is no address and no beginning of one. */
function parseNetwork(given: string): string | undefined {
  const match = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(given);
  const [, base = '', bits] = match ?? [];
  if (match === null) return undefined;
  if (isIpAddress(base)) return bits === undefined ? canonicalAddress(base) : prefixOf(base, Number(bits));
  if (bits !== undefined) refuse(`"${given}" is no network: write it as in 192.0.2.0/24`);
  if (/^\d{1,3}(\.\d{1,3}){0,2}\.?$/.test(base)) return octets(given, base.replace(/\.$/, ''));
  if (base.includes(':') && isIpv6(`${base.replace(/:+$/, '')}::`)) return base.replace(/:+$/, '').toLowerCase();
  return undefined;
}

function octets(given: string, base: string): string {
  if (base.split('.').some((octet) => Number(octet) > 255)) refuse(`"${given}" is no beginning of an IP address`);
  return base;
}

/** The octets that a network has in common. */
function prefixOf(base: string, bits: number): string {
  if (isIpv4(base) && bits > 0 && bits <= 32 && bits % 8 === 0) {
    const parts = base.split('.').map(Number);
    const kept = bits / 8;
    if (parts.slice(kept).some((octet) => octet !== 0)) refuse(`${base}/${bits} has host bits set`);
    return parts.slice(0, kept).join('.');
  }
  if (isIpv6(base) && bits === 128) return canonicalAddress(base);
  refuse(
    `${base}/${bits} cannot stand here: IPv4 networks that end at an octet (/8, /16, /24) can; write others into a file and name it in main.cf: check_client_access cidr:FILE`,
  );
}

/** As the server writes the address of a client: IPv6 in lower case, the longest run of zeros left out (RFC 5952). */
function canonicalAddress(address: string): string {
  return isIpv4(address)
    ? address.split('.').map(Number).join('.')
    : new URL(`http://[${address}]`).hostname.slice(1, -1);
}
