// When a certificate is renewed, in milliseconds since 1970.

import type { X509Certificate } from 'node:crypto';

const day = 86_400_000;
/** Of a short-lived certificate a third is too little time to find somebody who can help. */
const shortLifetime = 10 * day;

/** Where the authority says nothing: after two thirds of its time, of a short-lived one after half. */
export function usualRenewal(certificate: X509Certificate): number {
  const from = Date.parse(certificate.validFrom);
  const lifetime = Date.parse(certificate.validTo) - from;
  return from + (lifetime < shortLifetime ? lifetime / 2 : (lifetime * 2) / 3);
}

/** Any moment of the authority's window (RFC 9773 §4.2): not all servers of the world at its beginning. */
export function drawRenewal({ start, end }: { readonly start: number; readonly end: number }): number {
  return start + Math.floor(Math.random() * (end - start));
}
