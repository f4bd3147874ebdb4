// What a domain's administrator is told about the DNS: as it should be, otherwise with what is there, or not to be found out.

import { expect, test } from 'vitest';
import { ZoneResolver } from '../dns/zone-resolver.ts';
import { domainRecords } from './domain-records.ts';
import { checkSpf } from './sender-policy.ts';
import type { ServerListener } from './server-parts.ts';

const listeners: readonly ServerListener[] = [
  { protocol: 'imap', host: '0.0.0.0', port: 993, security: 'tls', isLoopback: false },
  { protocol: 'submission', host: '127.0.0.1', port: 587, security: 'starttls', isLoopback: true },
];

async function told(zone: string, domain = 'example.com') {
  const resolver = new ZoneResolver(zone);
  const records = await domainRecords(domain, { hostname: 'mail.host.test', resolver, listeners, hasMailboxes: true });
  return Object.fromEntries(records.map(({ purpose, state, found }) => [purpose, [state, ...found]]));
}

const host = 'mail.host.test A 192.0.2.1\n192.0.2.1 PTR mail.host.test';

test('a domain that is set up is as it should be', async () => {
  expect(
    await told(`${host}
      example.com MX 10 mail.host.test.
      example.com TXT v=spf1 mx -all
      _imaps._tcp.example.com SRV 0 1 993 mail.host.test.`),
  ).toEqual({
    mx: ['good', '10 mail.host.test.'],
    spf: ['good', 'v=spf1 mx -all'],
    address: ['good', '192.0.2.1'],
    pointer: ['good', 'mail.host.test.'],
    service: ['good', '0 1 993 mail.host.test.'],
  });
});

test('what is otherwise is told with what is there', async () => {
  expect(
    await told(`mail.host.test A 192.0.2.1
      192.0.2.1 PTR dialup.example.net
      example.com MX 10 mx.elsewhere.test.
      example.com TXT v=spf1 -all`),
  ).toEqual({
    mx: ['otherwise', '10 mx.elsewhere.test.'],
    spf: ['otherwise', 'v=spf1 -all'],
    address: ['good', '192.0.2.1'],
    pointer: ['otherwise', 'dialup.example.net.'],
    service: ['otherwise'],
  });
});

test('what cannot be asked is neither', async () => {
  const records = await told('example.com FAIL x\nmail.host.test FAIL x\n_imaps._tcp.example.com FAIL x');
  expect(records).toEqual({ mx: ['unknown'], spf: ['unknown'], address: ['unknown'], service: ['unknown'] });
});

test('services that only this machine can reach are not asked for', async () => {
  const resolver = new ZoneResolver(host);
  const parts = { hostname: 'mail.host.test', resolver, listeners: listeners.slice(1), hasMailboxes: true };
  expect((await domainRecords('example.com', parts)).some(({ purpose }) => purpose === 'service')).toBe(false);
});

test.each([
  ['v=spf1 ip4:192.0.2.0/24 -all', 'allowed'],
  ['v=spf1 ip4:198.51.100.1 ~all', 'not-allowed'],
  ['v=spf1 a:mail.host.test -all', 'allowed'],
  ['v=spf1 -ip4:192.0.2.1 +all', 'not-allowed'],
  ['v=spf1 include:pool.test -all', 'allowed'],
  ['v=spf1 redirect=pool.test', 'allowed'],
  ['v=spf1 include:loop.test -all', 'not-allowed'],
])('SPF %s: %s', async (record, kind) => {
  const zone = `example.com TXT ${record}\npool.test TXT v=spf1 ip4:192.0.2.1 -all\nloop.test TXT v=spf1 include:loop.test -all\n${host}`;
  expect(await checkSpf('example.com', ['192.0.2.1'], new ZoneResolver(zone))).toEqual({ kind, record });
});

test('two SPF records are broken, none is absent', async () => {
  const two = new ZoneResolver('example.com TXT v=spf1 -all\nexample.com TXT v=spf1 mx -all');
  expect((await checkSpf('example.com', [], two)).kind).toBe('broken');
  expect((await checkSpf('example.com', [], new ZoneResolver('example.com TXT other'))).kind).toBe('absent');
});
