// Which addresses and domain names the directory takes, and the one form in which it keeps each.
// A domain is kept as lower-case A-labels (RFC 5890 §2.3.2.1). A localpart is found without regard to case, as
// Postfix folds every key, but shown as it was given; it stands in external form, in quotes only where RFC 5321
// §4.1.2 needs them. Limits are those of RFC 5321 §4.5.3.1 (64 and 255 octets) and RFC 1035 §2.3.4 (labels of 63).

import { domainToASCII } from 'node:url';
import { refuse } from './refusal.ts';

const maxLocalpartOctets = 64;
const maxDomainOctets = 255;
const maxLabelOctets = 63;

export interface MailAddress {
  /** Folded, external form: the key. Empty for `@domain`. */
  readonly localpart: string;
  readonly domain: string;
  /** As given, with the domain in its kept form. */
  readonly shown: string;
}

/** The key form `localpart@domain`. */
export function addressKey(address: MailAddress): string {
  return `${address.localpart}@${address.domain}`;
}

/** Folds as Postfix folds keys: lower case, in one Unicode form. */
export function fold(text: string): string {
  return isAscii(text) ? text.toLowerCase() : text.normalize('NFC').toLowerCase();
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) return false;
  return true;
}

/** The kept form of a domain that stands in a lookup key; no validation beyond what IDNA needs. */
export function foldDomain(domain: string): string {
  if (isAscii(domain)) return domain.toLowerCase();
  return domainToASCII(domain) || domain.toLowerCase();
}

/** Validates a domain name and gives its kept form. */
export function parseDomain(text: string): string {
  const given = text.trim();
  if (given === '') refuse('a domain name is missing, as in: example.com');
  if (/[\s@/:?#%[\]\\<>"(),;]/.test(given)) refuse(`"${given}" is not a domain name: write it as in example.com`);
  const withoutDot = given.endsWith('.') ? given.slice(0, -1) : given;
  const domain = isAscii(withoutDot) ? withoutDot.toLowerCase() : domainToASCII(withoutDot);
  if (domain === '') refuse(`"${given}" is not a valid internationalised domain name (IDNA)`);
  if (domain.length > maxDomainOctets) refuse(`"${given}" is longer than ${maxDomainOctets} octets`);
  const labels = domain.split('.');
  for (const label of labels) checkLabel(given, label);
  if (/^[\d.]+$/.test(domain)) refuse(`"${given}" is an IP address, not a domain name`);
  return domain;
}

function checkLabel(given: string, label: string): void {
  if (label === '') refuse(`"${given}" has an empty part between two dots`);
  if (label.length > maxLabelOctets) {
    refuse(`"${given}" has a part of ${label.length} octets; at most ${maxLabelOctets} are allowed`);
  }
  if (label.startsWith('-') || label.endsWith('-')) refuse(`"${given}" has a part that begins or ends with "-"`);
  const bad = /[^a-z0-9_-]/.exec(label);
  if (bad) refuse(`"${given}" contains "${bad[0]}", which no domain name can have`);
}

/** A domain that we are to host: two labels at least, since `user@name` is refused by every sender's server. */
export function parseHostedDomain(text: string): string {
  const domain = parseDomain(text);
  if (!domain.includes('.')) refuse(`"${domain}" needs a dot, as in ${domain}.example: others cannot send to it`);
  return domain;
}

/** Validates `user@domain`. */
export function parseAddress(text: string): MailAddress {
  const given = text.trim();
  const at = given.lastIndexOf('@');
  if (at < 0) refuse(`"${given}" has no domain: write the whole address, as in ${given || 'user'}@example.com`);
  if (at === 0) refuse(`"${given}" has no name before the "@"`);
  const domain = parseDomain(given.slice(at + 1));
  const localpart = parseLocalpart(given, given.slice(0, at));
  if (localpart.length + 1 + domain.length > 320) refuse(`"${given}" is too long`);
  return { localpart: fold(localpart), domain, shown: `${localpart}@${domain}` };
}

/** Validates an address that we host. Routing characters make a recipient that no stranger may mail to. */
export function parseHostedAddress(text: string): MailAddress {
  const address = parseAddress(text);
  const routing = /[%!@]/.exec(address.localpart);
  if (routing) {
    refuse(`"${text.trim()}" contains "${routing[0]}": mail from outside to such an address is refused as relaying`);
  }
  if (address.localpart.startsWith('-')) refuse(`"${text.trim()}" begins with "-", which Postfix's rules refuse`);
  return address;
}

/** `user@domain`, or `@domain` for the catch-all (empty localpart). */
export function parseAliasAddress(text: string): MailAddress {
  const given = text.trim();
  if (!given.startsWith('@')) return parseHostedAddress(given);
  const domain = parseDomain(given.slice(1));
  return { localpart: '', domain, shown: `@${domain}` };
}

/** Canonical external form: `"abc"` becomes `abc`, `"a b"` keeps its quotes. */
function parseLocalpart(given: string, text: string): string {
  const plain = text.startsWith('"') ? unquote(given, text) : text;
  if (/[\u0000-\u001f\u007f-\u009f]/.test(plain)) refuse(`"${given}" contains a control character`);
  const dotAtom =
    /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+)*$/u;
  const isPlain = dotAtom.test(plain);
  if (!isPlain && !text.startsWith('"')) refuse(badLocalpart(given, plain));
  const normal = plain.normalize('NFC');
  const external = isPlain ? normal : `"${normal.replace(/["\\]/g, '\\$&')}"`;
  const octets = Buffer.byteLength(external);
  if (octets > maxLocalpartOctets) {
    refuse(`"${given}" has ${octets} octets before the "@"; at most ${maxLocalpartOctets} are allowed`);
  }
  return external;
}

function badLocalpart(given: string, plain: string): string {
  if (plain.includes('..') || plain.startsWith('.') || plain.endsWith('.')) {
    return `"${given}" has a dot at an end or two in a row before the "@"; if it must be so, write that part in quotes`;
  }
  const bad = /[\s"(),:;<>@[\\\]]/.exec(plain);
  return `"${given}" contains "${bad?.[0] ?? plain}" before the "@"; if it must be so, write that part in quotes`;
}

function unquote(given: string, text: string): string {
  if (text.length < 2 || !text.endsWith('"')) refuse(`"${given}" has a quote that is not closed`);
  let plain = '';
  for (let index = 1; index < text.length - 1; index++) {
    const character = text[index];
    if (character === '"') refuse(`"${given}" has a quote inside quotes; write it as \\"`);
    if (character === '\\') index++;
    if (index >= text.length - 1) refuse(`"${given}" has a quote that is not closed`);
    plain += text[index];
  }
  if (plain === '') refuse(`"${given}" has no name before the "@"`);
  return plain;
}
