// Where the page is, as somebody on this machine types it into a browser; with a setup token in the fragment, which browsers
// keep to themselves: it comes into no log of a proxy.

import { isLoopback } from '../http-server/client-address.ts';

export interface PageListener {
  /** `http`, `https`, and others that are of no interest here. */
  readonly label: string;
  readonly host: string;
  readonly port: number;
}

const everywhere = new Set(['0.0.0.0', '::', '']);

/** Undefined where no page is served. */
export function pageOrigin(listeners: readonly PageListener[], hostname: string): string | undefined {
  // Plain HTTP is served on loopback alone, and there no browser asks about the certificate.
  const plain = listeners.find(({ label, host }) => label === 'http' && (isLoopback(host) || everywhere.has(host)));
  if (plain !== undefined) return `http://localhost:${plain.port}`;
  const secured = listeners.find(({ label }) => label === 'https');
  if (secured === undefined) return undefined;
  const name = isLoopback(secured.host) ? 'localhost' : hostname;
  return secured.port === 443 ? `https://${name}` : `https://${name}:${secured.port}`;
}

export function setupLink(origin: string, token: string): string {
  return `${origin}/setup#${token}`;
}
