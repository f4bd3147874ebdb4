// How DNS lists rate clients before the greeting: scores, weights, actions, the temporary allow list with its times, and
// lists that do not answer; asked of a name server on loopback.

import { afterEach, expect, test } from 'vitest';
import { createServer, type Server } from 'node:net';
import { openRouting } from '../../src/access/open-routing.ts';
import { ScreenRules } from '../../src/access/screen-rules.ts';
import { SystemResolver } from '../../src/dns/system-resolver.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import { Settings } from '../../src/settings/settings.ts';
import { ConnectionScreen, type ScreenPass } from '../../src/smtp-server/screen/connection-screen.ts';
import { startDnsServer } from '../harness/dns-server.ts';
import { visit } from './from-address.ts';

const zone = `
2.0.0.127.bl.test A 127.0.0.2
3.0.0.127.bl.test A 127.0.0.4
3.0.0.127.other.test A 127.0.0.2
4.0.0.127.bl.test A 127.0.0.2
4.0.0.127.wl.test A 127.0.0.1
5.0.0.127.wl.test A 127.0.0.1
6.0.0.127.bl.test FAIL
7.0.0.127.bl.test SILENT
`;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function open(settings: Record<string, string>) {
  const dns = await startDnsServer(zone);
  const log = new MemoryLog();
  const all = Settings.defaults({
    compatibility_level: '3.6',
    myhostname: 'mx.example.com',
    mynetworks: '127.9.9.9',
    postscreen_greet_wait: '1s',
    postscreen_greet_action: 'drop',
    postscreen_dnsbl_sites: 'bl.test=127.0.0.[2..3]*2, bl.test=127.0.0.4, other.test, wl.test*-3',
    postscreen_dnsbl_threshold: '2',
    postscreen_dnsbl_action: 'enforce',
    ...settings,
  });
  const routing = openRouting({ settings: all, log, isWatching: false });
  const resolver = new SystemResolver({ servers: [`127.0.0.1:${dns.port}`], timeout: 500, tries: 1 });
  const registry = routing.tables;
  const rules = new ScreenRules({ settings: all, registry, warn: (text) => log.write('x', 'warning', text) }, resolver);
  const clock = new FakeClock();
  const cache = new Map<string, ScreenPass>();
  const screen = new ConnectionScreen({
    rules: () => rules,
    cache: { get: (address) => cache.get(address), put: (address, pass) => void cache.set(address, pass) },
    clock,
    log,
  });
  const server: Server = createServer((socket) =>
    screen.examine(socket, () => {
      socket.end('220 let in\r\n');
      socket.resume();
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  closers.push(() => {
    dns.close();
    server.close();
    screen.close();
    routing.close();
  });
  const come = async (from: string, commands: readonly string[] = []): Promise<string> =>
    (await visit({ from, port, commands })).at(-1) ?? '';
  const lines = (): string[] =>
    log.lines.splice(0).map((line) => line.replaceAll(/\]:\d+/g, ']:PORT').replace(/^postfix\/postscreen: /, ''));
  return { come, lines, clock, cache };
}

const mail = ['EHLO c', 'MAIL FROM:<a@b.c>', 'RCPT TO:<x@example.com>'];

test('weights add up; the heaviest list is named', async () => {
  const { come, lines } = await open({});
  expect(await come('127.0.0.2', mail)).toBe(
    'S: 550 5.7.1 Service unavailable; client [127.0.0.2] blocked using bl.test',
  );
  expect(lines()).toEqual([
    'CONNECT from [127.0.0.2]:PORT to [127.0.0.1]:PORT',
    'DNSBL rank 2 for [127.0.0.2]:PORT',
    'NOQUEUE: reject: RCPT from [127.0.0.2]:PORT: 550 5.7.1 Service unavailable; client [127.0.0.2] blocked using bl.test; from=<a@b.c>, to=<x@example.com>, proto=ESMTP, helo=<c>',
  ]);
  expect(await come('127.0.0.3', mail)).toContain('550 5.7.1');
  // A list of good clients outweighs.
  expect(await come('127.0.0.4')).toBe('S: 220-mx.example.com ESMTP Postfix|220 let in');
  expect(await come('127.0.0.1')).toBe('S: 220-mx.example.com ESMTP Postfix|220 let in');
});

test('drop, ignore, and who has a good name need not wait', async () => {
  const dropping = await open({ postscreen_dnsbl_action: 'drop', postscreen_greet_banner: '' });
  expect(await dropping.come('127.0.0.2')).toBe(
    'S: 521 5.7.1 Service unavailable; client [127.0.0.2] blocked using bl.test',
  );
  const { come, lines, cache } = await open({
    postscreen_dnsbl_action: 'ignore',
    postscreen_dnsbl_allowlist_threshold: '-1',
    postscreen_greet_wait: '5s',
    postscreen_greet_banner: '',
  });
  const began = performance.now();
  expect(await come('127.0.0.5')).toBe('S: 220 let in');
  expect(performance.now() - began).toBeLessThan(3000);
  expect(lines()).toContain('PASS NEW [127.0.0.5]:PORT');
  expect(cache.has('127.0.0.5')).toBe(true);
}, 20_000);

test('a failure that is ignored is no pass; a pass holds as long as its tests say', async () => {
  const { come, lines, clock } = await open({
    postscreen_dnsbl_action: 'ignore',
    postscreen_greet_banner: '',
    postscreen_dnsbl_min_ttl: '100s',
  });
  expect(await come('127.0.0.2')).toBe('S: 220 let in');
  expect(lines().join()).not.toContain('PASS');
  expect(await come('127.0.0.1')).toBe('S: 220 let in');
  expect(lines()).toContain('PASS NEW [127.0.0.1]:PORT');
  clock.advance(99_000);
  await come('127.0.0.1');
  expect(lines()).toEqual(['CONNECT from [127.0.0.1]:PORT to [127.0.0.1]:PORT', 'PASS OLD [127.0.0.1]:PORT']);
  clock.advance(86_400_000);
  const began = performance.now();
  await come('127.0.0.1');
  expect(performance.now() - began).toBeGreaterThan(900);
  expect(lines()).toContain('PASS OLD [127.0.0.1]:PORT');
}, 20_000);

test('a list that fails or is silent says nothing', async () => {
  const { come, lines } = await open({ postscreen_greet_banner: '', postscreen_dnsbl_timeout: '1s' });
  expect(await come('127.0.0.6')).toBe('S: 220 let in');
  expect(lines().join('\n')).toContain('lookup error for DNS query 6.0.0.127.bl.test');
  expect(await come('127.0.0.7')).toBe('S: 220 let in');
}, 20_000);

test('mistakes are told at the start', async () => {
  for (const [settings, message] of [
    [{ postscreen_dnsbl_sites: 'bl.test*x' }, /bad weight in bl.test\*x/],
    [{ postscreen_dnsbl_sites: 'bl.test=127.0.0.300' }, /bad address pattern/],
    [{ postscreen_access_list: 'permit_sasl' }, /postscreen_access_list: bad command permit_sasl/],
    [{ postscreen_greet_action: 'reject' }, /postscreen_greet_action: bad action reject/],
  ] as const) {
    await expect(open(settings), JSON.stringify(settings)).rejects.toThrow(message);
  }
});
