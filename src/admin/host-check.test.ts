// Three outcomes of each question, asked of a real name server.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDnsServer } from '../../test/harness/dns-server.ts';
import { SystemResolver } from '../dns/system-resolver.ts';
import { checkHost } from './host-check.ts';

let server: { readonly port: number; close(): void };
beforeAll(async () => {
  server = await startDnsServer(`
mail.good.net A 127.0.0.1
127.0.0.1 PTR Mail.Good.Net
mail.wrong.net A 192.0.2.7
192.0.2.7 PTR other.example.net
mail.nameless.net A 192.0.2.8
192.0.2.8 FAIL
mail.broken.net FAIL
mail.silent.net SILENT
mail.six.net AAAA 2001:db8::25
5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR mail.six.net
`);
});
afterAll(() => server.close());

async function outcomes(hostname: string, listeners = [{ host: '0.0.0.0', port: 25 }]) {
  const resolver = new SystemResolver({ servers: [`127.0.0.1:${server.port}`], timeout: 200, tries: 1 });
  return await checkHost(hostname, { resolver, listeners });
}

test('a host that others can reach and believe', async () => {
  expect(await outcomes('mail.good.net')).toEqual([
    { check: 'name', outcome: 'good', subject: 'mail.good.net', found: [] },
    { check: 'addresses', outcome: 'good', subject: 'mail.good.net', found: ['127.0.0.1'], elsewhere: [] },
    { check: 'reverse', outcome: 'good', subject: '127.0.0.1', found: ['Mail.Good.Net'] },
    { check: 'port', outcome: 'good', subject: '25', found: ['0.0.0.0:25'] },
  ]);
});

test('a host with IPv6 alone', async () => {
  expect((await outcomes('mail.six.net'))[2]).toMatchObject({ outcome: 'good', subject: '2001:db8::25' });
});

test('what is wrong: another name, no address, a listener for this machine only', async () => {
  expect(await outcomes('mail.wrong.net', [{ host: '::1', port: 25 }])).toMatchObject([
    { outcome: 'good' },
    { outcome: 'good', elsewhere: ['192.0.2.7'] },
    { check: 'reverse', outcome: 'wrong', found: ['other.example.net'] },
    { check: 'port', outcome: 'wrong', found: ['[::1]:25'] },
  ]);
  expect(await outcomes('mail.nowhere.net', [])).toMatchObject([
    { check: 'name', outcome: 'good' },
    { check: 'addresses', outcome: 'wrong' },
    { check: 'port', outcome: 'wrong', found: [] },
  ]);
  expect((await outcomes('vm.localdomain'))[0]).toMatchObject({ check: 'name', outcome: 'wrong' });
});

test('what could not be found out is nobody’s mistake', async () => {
  for (const name of ['mail.broken.net', 'mail.silent.net']) {
    expect((await outcomes(name))[1]).toMatchObject({ check: 'addresses', outcome: 'unknown', found: [] });
  }
  expect((await outcomes('mail.broken.net'))[1]?.reason).toBe('ESERVFAIL');
  expect((await outcomes('mail.nameless.net'))[2]).toMatchObject({ check: 'reverse', outcome: 'unknown' });
});
