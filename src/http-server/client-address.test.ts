// Who shares a budget of requests.

import type { FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { rateKey } from './client-address.ts';

const keyOf = (remoteAddress: string): string =>
  rateKey({ principal: {}, raw: { socket: { remoteAddress } } } as unknown as FastifyRequest);

test('an IPv6 network is one client, however its addresses are written', () => {
  expect(keyOf('2001:db8::1')).toBe(keyOf('2001:db8::2:3:4:5'));
  expect(keyOf('2001:db8:1:2:3::1')).toBe(keyOf('2001:db8:1:2:ffff:1:2:3'));
  expect(keyOf('2001:db8:1:3::1')).not.toBe(keyOf('2001:db8:1:2::1'));
  expect(keyOf('::ffff:192.0.2.1')).toBe(keyOf('192.0.2.1'));
});
