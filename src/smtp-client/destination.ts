// Next hops as Postfix's smtp(8) and lmtp(8) write them: `domain[:port]` (by MX), `[host][:port]`, `[ip]`, `[ipv6:addr]`;
// for LMTP `unix:/path`, `inet:host[:port]`, `host[:port]`, never by MX. Several stand separated by commas or blanks.

import { isIP } from 'node:net';

export type Destination =
  | { readonly kind: 'unix'; readonly path: string }
  /** `useMx`: ask for MX records of `host` first. `port` undefined: the protocol's own. */
  | { readonly kind: 'inet'; readonly host: string; readonly port: number | undefined; readonly useMx: boolean };

/** Returns the reason as text where the next hop cannot be understood. */
export function parseDestination(text: string, protocol: 'smtp' | 'lmtp'): Destination | string {
  if (text.startsWith('unix:')) {
    if (protocol === 'lmtp') return { kind: 'unix', path: text.slice(5) };
    return `bad next-hop destination: ${text}`;
  }
  const rest = text.startsWith('inet:') ? text.slice(5) : text;
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(rest);
  const [host, portText] = bracketed ? [bracketed[1], bracketed[2]] : splitPort(rest);
  if (!host) return `empty host name in next-hop destination: ${text}`;
  const port = portText === undefined ? undefined : parsePort(portText);
  if (port === 0) return `unknown service in next-hop destination: ${text}`;
  const isAddress = isIP(stripPrefix(host)) !== 0;
  return { kind: 'inet', host: stripPrefix(host), port, useMx: protocol === 'smtp' && !bracketed && !isAddress };
}

export function splitDestinations(nexthop: string): string[] {
  return nexthop.split(/[\s,]+/).filter((part) => part !== '');
}

function splitPort(text: string): [string, string | undefined] {
  const colon = text.indexOf(':');
  if (colon < 0 || isIP(text) === 6) return [text, undefined];
  return [text.slice(0, colon), text.slice(colon + 1)];
}

const services: Readonly<Record<string, number>> = {
  smtp: 25,
  submission: 587,
  submissions: 465,
  smtps: 465,
  lmtp: 24,
};

/** A number or a service's name; 0: no such port. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : (services[text] ?? 0);
  return port > 65535 ? 0 : port;
}

function stripPrefix(host: string): string {
  return /^ipv6:/i.test(host) ? host.slice(5) : host;
}
