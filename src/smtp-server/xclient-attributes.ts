// `NAME=value` words of XCLIENT and XFORWARD (Postfix XCLIENT_README, XFORWARD_README): xtext values, and the two
// that say that there is none. A wrong one gives the reply that Postfix gives.

import { isHostname, isIpv4, isIpv6 } from '../address/domain.ts';
import type { NameStatus } from '../dns/client-names.ts';
import { printable } from '../smtp/command-line.ts';
import { reply, type SmtpReply } from '../smtp/reply.ts';
import { decodeXtext } from '../smtp/xtext.ts';

export interface Attribute {
  readonly name: string;
  /** Decoded. */
  readonly value: string;
}

/** RFC 5321 §4.5.3.1.2: no host name is longer. */
const maxValueLength = 255;
const maxAttributes = 32;

export function parseAttributes(rest: string): readonly Attribute[] | SmtpReply {
  const attributes: Attribute[] = [];
  for (const word of rest.split(/[ \t]+/, maxAttributes)) {
    const equals = word.indexOf('=');
    if (equals === -1) return reply(501, '5.5.4', 'Error: attribute=value expected');
    const value = word.slice(equals + 1);
    if (value.length > maxValueLength) return reply(501, '5.5.4', 'Error: attribute value too long');
    const decoded = decodeLoosely(value);
    if (decoded === undefined) {
      return reply(501, '5.5.4', `Bad attribute value syntax: ${printable(value).slice(0, 100)}`);
    }
    attributes.push({ name: word.slice(0, equals).toUpperCase(), value: decoded });
  }
  return attributes;
}

/** xtext, though every octet may stand for itself: `[UNAVAILABLE]` does, and UTF-8. */
function decodeLoosely(value: string): string | undefined {
  if (/\+(?![0-9A-Fa-f]{2})/.test(value)) return undefined;
  const octets = value.replace(/\+([0-9A-Fa-f]{2})/g, (_, hex: string) => `+${hex.toUpperCase()}`);
  if (decodeXtext(octets) === undefined && !octets.includes('+')) return value;
  const bytes = octets.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (/[^\u0000-\u00ff]/.test(bytes)) return bytes;
  return Buffer.from(bytes, 'latin1').toString(octets.includes('+') ? 'utf8' : 'latin1');
}

export function badSyntax(name: string, value: string): SmtpReply {
  return reply(501, '5.5.4', `Bad ${name} syntax: ${printable(value).slice(0, 255)}`);
}

/** The name, or why there is none; undefined where it is not a host name. */
export function readName(value: string): { readonly name: string; readonly status: NameStatus } | undefined {
  if (/^\[UNAVAILABLE\]$/i.test(value)) return { name: 'unknown', status: 'none' };
  if (/^\[TEMPUNAVAIL\]$/i.test(value)) return { name: 'unknown', status: 'unsure' };
  return isHostname(value) && /^[\u0021-\u007e]*$/.test(value) ? { name: value, status: 'found' } : undefined;
}

/** `1.2.3.4` or `IPV6:::1` in its usual spelling, `unknown` for [UNAVAILABLE]. */
export function readAddress(value: string): string | undefined {
  if (isUnavailable(value)) return 'unknown';
  if (isIpv4(value)) return value;
  const six = value.replace(/^ipv6:/i, '');
  return isIpv6(six) ? new URL(`http://[${six}]`).hostname.slice(1, -1) : undefined;
}

export function isUnavailable(value: string): boolean {
  return /^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(value);
}
