import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { MemoryLog, ProgramLog } from '../lib/log.ts';
import { DefenceStore } from './defence-store.ts';
import type { NetworksOfAccount } from './known-networks.ts';
import type { Lockout } from './lockouts.ts';
import { LoginGuard, type LoginLimits } from './login-guard.ts';
import { networksOf, senderNetwork } from './network.ts';

const minute = 60_000;
const usual: LoginLimits = {
  perAddress: 5,
  perNetwork: 12,
  perAccount: 8,
  periodMilliseconds: 60 * minute,
  lockoutMilliseconds: 15 * minute,
};

function open(
  limits: Partial<LoginLimits> = {},
  clock = new FakeClock(),
  store = new DefenceStore({ file: undefined, clock, warn: () => undefined }),
) {
  const log = new MemoryLog();
  const guard = new LoginGuard({
    clock,
    log: new ProgramLog(log, 'postfix/auth'),
    limits: { ...usual, ...limits },
    delay: { firstMilliseconds: 2000, maxMilliseconds: 15_000, maxEntries: 1000 },
    lockouts: store.kept<Lockout>('lockout', 1000),
    networks: store.kept<NetworksOfAccount>('login-network', 1000),
    isException: (address) => address === '127.0.0.1',
  });
  let guesses = 0;
  /** Undefined: locked out. */
  const fail = async (address: string, account: string, secret = `guess ${++guesses}`): Promise<number | undefined> => {
    const ticket = await guard.begin({ account, address, protocol: 'imap' });
    return ticket.kind === 'locked' ? undefined : ticket.failed(secret);
  };
  const succeed = async (address: string, account: string): Promise<boolean> => {
    const ticket = await guard.begin({ account, address, protocol: 'smtp' });
    if (ticket.kind === 'locked') return false;
    ticket.succeeded();
    return true;
  };
  return { clock, guard, log, store, fail, succeed };
}

test.each([
  ['192.0.2.7', '192.0.2.7', '192.0.2.0/24', '192.0.2.0/24'],
  ['::ffff:192.0.2.7', '192.0.2.7', '192.0.2.0/24', '192.0.2.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1::/48', '2001:db8:1:2::/64'],
  ['2001:DB8::1', '2001:db8::/64', '2001:db8::/48', '2001:db8::/64'],
  ['::1', '::/64', '::/48', '::/64'],
  ['fe80::1%eth0', 'fe80::/64', 'fe80::/48', 'fe80::/64'],
  ['unknown', 'unknown', 'unknown', 'unknown'],
])('networks of %s', (address, narrow, wide, sender) => {
  expect(networksOf(address)).toEqual({ narrow, wide });
  expect(senderNetwork(address)).toBe(sender);
});

test('answers wait longer with each failure, then the address is locked out, right secrets included', async () => {
  const { fail, succeed, log, guard, clock } = open();
  const delays = [];
  for (let index = 0; index < 5; index++) delays.push(await fail('192.0.2.7', 'anna@example.com'));
  expect(delays).toEqual([2000, 4000, 8000, 15_000, 15_000]);
  expect(await succeed('192.0.2.7', 'anna@example.com')).toBe(false);
  expect(await succeed('192.0.2.7', 'bob@example.com')).toBe(false);
  expect(await succeed('192.0.2.8', 'bob@example.com')).toBe(true);
  expect(guard.refused).toBe(2);
  expect(log.lines).toEqual([
    'postfix/auth: warning: address 192.0.2.7 is locked out for 900 seconds after 5 failed imap logins; last from 192.0.2.7',
  ]);
  expect(await guard.begin({ account: 'x', address: '192.0.2.7', protocol: 'smtp' })).toEqual({
    kind: 'locked',
    reason: 'address 192.0.2.7 is locked out for 900 more seconds',
    retryAfterSeconds: 900,
    delayMilliseconds: 2000,
  });
  clock.advance(15 * minute);
  expect(await succeed('192.0.2.7', 'anna@example.com')).toBe(true);
});

test('each further lock-out lasts twice as long', async () => {
  const { fail, guard, clock } = open();
  const times: number[] = [];
  for (let round = 0; round < 9; round++) {
    for (let index = 0; index < 5; index++) await fail('2001:db8::1', `user${index}`);
    const [lockout] = guard.lockouts.list();
    times.push(((lockout?.until ?? 0) - (lockout?.since ?? 0)) / minute);
    clock.advance((lockout?.until ?? 0) - clock.now());
  }
  expect(times).toEqual([15, 30, 60, 120, 240, 480, 960, 1440, 1440]);
});

test('an IPv6 attacker who changes addresses within his /64 is one; a network is many', async () => {
  const { fail, guard } = open();
  for (let index = 0; index < 5; index++) await fail(`2001:db8:5:6::${index}`, `u${index}`);
  expect(await fail('2001:db8:5:6::ffff', 'x')).toBeUndefined();
  for (let index = 0; index < 12; index++) await fail(`198.51.100.${index}`, `v${index}`);
  expect(await fail('198.51.100.200', 'x')).toBeUndefined();
  expect(await fail('198.51.101.200', 'x')).toBe(2000);
  expect(guard.lockouts.list().map(({ subject }) => subject)).toEqual(['2001:db8:5:6::/64', '198.51.100.0/24']);
});

test('the owner of an account under attack logs in from where that has succeeded before', async () => {
  const { fail, succeed, clock } = open({ lockoutMilliseconds: 1440 * minute });
  expect(await succeed('203.0.113.9', 'Anna@example.com')).toBe(true);
  clock.advance(86_400_000);
  for (let index = 0; index < 40; index++) await fail(`10.${index}.0.1`, 'anna@example.com');
  expect(await fail('10.200.0.1', 'anna@example.com')).toBeUndefined();
  expect(await succeed('192.0.2.1', 'anna@example.com')).toBe(false);
  expect(await succeed('203.0.113.77', 'anna@example.com')).toBe(true);
  // Neighbours who guess lock their network out, not her.
  for (let index = 0; index < 12; index++) await fail(`203.0.113.${100 + index}`, `someone${index}`);
  expect(await succeed('203.0.113.30', 'bob@example.com')).toBe(false);
  expect(await succeed('203.0.113.77', 'anna@example.com')).toBe(true);
  // But who guesses from her network is limited too.
  for (let index = 0; index < 8; index++) await fail(`203.0.113.${200 + index}`, 'anna@example.com');
  expect(await succeed('203.0.113.77', 'anna@example.com')).toBe(false);
});

test('a client with an old password, which asks each minute, locks nobody out', async () => {
  const { fail, succeed, clock, guard } = open();
  for (let index = 0; index < 300; index++) {
    await fail('192.0.2.7', 'anna@example.com', 'last year');
    clock.advance(minute);
  }
  expect(guard.lockouts.list()).toEqual([]);
  expect(await succeed('192.0.2.7', 'anna@example.com')).toBe(true);
});

test('failures that are an hour old do not count', async () => {
  const { fail, guard, clock } = open();
  for (let index = 0; index < 40; index++) {
    await fail('192.0.2.7', `u${index}`);
    clock.advance(13 * minute);
  }
  expect(guard.lockouts.list()).toEqual([]);
});

test('a webmail server of our own is not locked out, the account that is guessed there is', async () => {
  const { fail, succeed } = open();
  for (let index = 0; index < 30; index++) await fail('127.0.0.1', `u${index}`);
  for (let index = 0; index < 8; index++) await fail('127.0.0.1', 'anna@example.com');
  expect(await succeed('127.0.0.1', 'bob@example.com')).toBe(true);
  expect(await succeed('127.0.0.1', 'anna@example.com')).toBe(false);
});

test('guesses that come all at once do not get past the limit', async () => {
  const { guard } = open();
  let judged = 0;
  const guess = async (index: number): Promise<void> => {
    const ticket = await guard.begin({ account: `u${index}`, address: '192.0.2.7', protocol: 'smtp' });
    if (ticket.kind === 'locked') return;
    judged++;
    await new Promise((resolve) => setTimeout(resolve, 1));
    ticket.failed(`guess ${index}`);
  };
  await Promise.all(Array.from({ length: 200 }, (_, index) => guess(index)));
  expect(judged).toBe(5);
});

test('lock-outs and known networks survive a restart, and can be lifted', async () => {
  const first = open();
  await first.succeed('203.0.113.9', 'anna@example.com');
  for (let index = 0; index < 8; index++) await first.fail(`10.0.${index}.1`, 'anna@example.com');
  const again = open({}, first.clock, first.store);
  expect(await again.succeed('192.0.2.1', 'anna@example.com')).toBe(false);
  expect(await again.succeed('203.0.113.9', 'anna@example.com')).toBe(true);
  expect(again.guard.free('192.0.2.1')).toEqual([]);
  expect(again.guard.free('ANNA@example.com')).toHaveLength(1);
  expect(await again.succeed('192.0.2.1', 'anna@example.com')).toBe(true);
  expect(open({}, first.clock, first.store).guard.lockouts.list()).toEqual([]);
});

test('with limits of 0 nobody is locked out', async () => {
  const { fail } = open({ perAddress: 0, perNetwork: 0, perAccount: 0 });
  for (let index = 0; index < 100; index++) expect(await fail('192.0.2.7', 'a')).toBeGreaterThan(0);
});

// bench/defence.ts does it with a million; the bounds are a quarter of what comes here.
test('very many addresses with as many names: the memory stays flat, and who keeps trying is still locked out', async () => {
  const { guard, clock, fail } = open({ perAccount: 40 });
  const address = (index: number): string => `${11 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.1`;
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  let filled = 0;
  for (let index = 0; index < 200_000; index++) {
    const ticket = await guard.begin({
      account: `name${index}@example.com`,
      address: address(index),
      protocol: 'smtp',
    });
    if (ticket.kind === 'admitted') ticket.failed(`guess ${index}`);
    if (index % 1000 === 0) clock.advance(100);
    // One who goes on in the middle of it all.
    if (index % 10_000 === 0) await fail('192.0.2.7', 'anna@example.com');
    if (index === 120_000) filled = heap();
  }
  expect(guard.entries).toBeLessThan(500_000);
  expect(heap() - filled).toBeLessThan(10 * 1024 * 1024);
  expect(guard.lockouts.list().map(({ subject }) => subject)).toEqual(['192.0.2.7']);
}, 60_000);
