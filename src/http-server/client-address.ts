// Where a request comes from.

import type { FastifyRequest } from 'fastify';
import { networksOf } from '../defence/network.ts';

export function isLoopback(address: string): boolean {
  return address === '::1' || address === 'localhost' || /^(?:::ffff:)?127\./.test(address);
}

/** IPv4 in its own form, also where the socket is IPv6. */
export function clientAddress(request: { readonly socket: { readonly remoteAddress?: string | undefined } }): string {
  return (request.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}

/** Who is logged in has a budget of his own; others share that of their address, IPv6 of their network (/64). */
export function rateKey(request: FastifyRequest): string {
  const { owner } = request.principal;
  if (owner !== undefined) return `${owner.kind} ${owner.id}`;
  return networksOf(clientAddress(request.raw)).narrow;
}
