// Address verification with a clock that tests move: which answers hold, for how long, and what they cost other servers.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SmtpAgent } from '../../src/delivery/smtp.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { MemoryLog, ProgramLog } from '../../src/lib/log.ts';
import { TemporaryError } from '../../src/lib/temporary-error.ts';
import type { Transport } from '../../src/queue/delivery-agent.ts';
import { Prober } from '../../src/queue/prober.ts';
import { Verifier, type VerifyTimes } from '../../src/queue/verifier.ts';
import { VerifyCache } from '../../src/queue/verify-cache.ts';
import { Router } from '../../src/routing/router.ts';
import type { Delivery } from '../../src/routing/types.ts';
import { Settings } from '../../src/settings/settings.ts';
import { Tables } from '../../src/tables/registry.ts';
import { SmtpRecorder } from '../harness/smtp-recorder.ts';
import { testOptions } from './client-options.ts';

const day = 86_400;
let folder: string;
let primary: SmtpRecorder;
let clock: FakeClock;
let log: MemoryLog;
let verifier: Verifier;
let nexthop: string;
let times: VerifyTimes;
let route: (address: string) => Promise<readonly Delivery[]>;
let pendingLimit: number;
let probeTarget: 'rcpt' | 'data';
let rateDelayMilliseconds: number;

function open(): Verifier {
  const feedback = { base: 1, by: 'nothing' } as const;
  const limits = {
    processLimit: 100,
    givesSlowSlotsAway: false,
    recipientLimit: 50,
    concurrencyLimit: 20,
    initialConcurrency: 5,
    positiveFeedback: feedback,
    negativeFeedback: feedback,
    failedCohortLimit: 1,
    rateDelayMilliseconds,
    transportRateDelayMilliseconds: 0,
  };
  const tables = new Tables({ log: new MemoryLog(), isWatching: false });
  const router = new Router({ settings: Settings.defaults(), tables, log: new ProgramLog(new MemoryLog(), 'test') });
  const generic = router.genericMaps('smtp', Settings.defaults());
  const agent = new SmtpAgent(testOptions({ clock }), {
    generic,
    filter: undefined,
    detectsEightBit: false,
    probeTarget,
  });
  const relay: Transport = { name: 'relay', program: 'postfix/smtp', agent, isMailstore: false, ...limits };
  let ids = 0;
  const prober = new Prober({
    clock,
    log,
    syslogName: 'postfix',
    transports: { find: (name) => (name === 'relay' ? relay : undefined) },
    route: (address) => route(address),
    sender: () => 'double-bounce@mx.example',
    newQueueId: () => `Q${++ids}`,
    pendingLimit: () => pendingLimit,
    minimalBackoffSeconds: 300,
  });
  const cache = new VerifyCache({
    file: join(folder, 'verify.db'),
    warn: (text) => log.write('verify', 'warning', text),
  });
  return new Verifier({ clock, cache, prober, times: () => times });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'verify-'));
  primary = new SmtpRecorder();
  primary.answer = (command) => {
    if (/^RCPT TO:<(?:bad|new)/.test(command)) return '550 5.1.1 no such user';
    return command.startsWith('RCPT TO:<busy') ? '450 4.2.1 busy' : undefined;
  };
  nexthop = `[127.0.0.1]:${await primary.listen()}`;
  clock = new FakeClock();
  log = new MemoryLog();
  times = {
    positiveExpireSeconds: 31 * day,
    positiveRefreshSeconds: 7 * day,
    negativeExpireSeconds: 3 * day,
    negativeRefreshSeconds: 3 * 3600,
    keepsRefusals: true,
    rechecksRefusals: true,
  };
  route = async (address) => [{ recipient: address, original: address, transport: 'relay', nexthop }];
  pendingLimit = 5000;
  probeTarget = 'rcpt';
  rateDelayMilliseconds = 0;
  verifier = open();
});
afterEach(async () => {
  await verifier.close();
  await primary.close();
  rmSync(folder, { recursive: true, force: true });
});

const ask = async (address: string, patience = 5000) => (await verifier.verify(address, patience)).status;
const probes = () => primary.commands.filter((command) => command.startsWith('RCPT')).length;

test('asks the next server up to RCPT, and sends nothing', async () => {
  expect(await verifier.verify('ann@relay.example', 5000)).toEqual({ status: 'deliverable', text: '250 2.1.0 Ok' });
  await expect.poll(() => primary.commands.at(-1)).toBe('QUIT');
  expect(primary.commands.map((command) => command.replace(/ SIZE=.*/, ''))).toEqual([
    'EHLO client.example',
    'MAIL FROM:<double-bounce@mx.example>',
    'RCPT TO:<ann@relay.example>',
    'RSET',
    'QUIT',
  ]);
  expect(primary.mails).toEqual([]);
  expect(
    log.lines.some((line) => /Q1: to=<ann@relay\.example>, .* status=deliverable \(250 2\.1\.0 Ok\)/.test(line)),
  ).toBe(true);
});

test('smtp_address_verify_target = data: the reply to DATA tells, and there is no message all the same', async () => {
  await verifier.close();
  probeTarget = 'data';
  verifier = open();
  expect(await ask('ann@relay.example')).toBe('deliverable');
  expect(primary.mails).toEqual([]);
  primary.answer = (command) => (command === 'DATA' ? '554 5.1.1 nobody of these' : undefined);
  expect(await verifier.verify('eve@relay.example', 5000)).toMatchObject({ status: 'undeliverable' });
});

describe('a good address', () => {
  test('is not asked again for days, then in the background, and stays good when that fails', async () => {
    await ask('ann@relay.example');
    expect(await ask('Ann@Relay.example')).toBe('deliverable');
    expect(probes()).toBe(1);
    primary.answer = (command) => (command.startsWith('RCPT') ? '550 5.1.1 gone' : undefined);
    clock.advance(8 * day * 1000);
    expect(await ask('ann@relay.example')).toBe('deliverable');
    await expect.poll(probes).toBe(2);
    expect(await ask('ann@relay.example')).toBe('deliverable');
    clock.advance(24 * day * 1000);
    expect(await ask('ann@relay.example')).toBe('undeliverable');
  });

  test('is known after a restart', async () => {
    await ask('ann@relay.example');
    await verifier.close();
    verifier = open();
    expect(await ask('ann@relay.example')).toBe('deliverable');
    expect(probes()).toBe(1);
  });
});

describe('a refused address', () => {
  test('is asked about again before it is refused again', async () => {
    expect(await verifier.verify('bad@relay.example', 5000)).toEqual({
      status: 'undeliverable',
      text: expect.stringContaining('said: 550 5.1.1 no such user (in reply to RCPT TO command)') as string,
    });
    expect(await ask('bad@relay.example')).toBe('undeliverable');
    expect(probes()).toBe(2);
    primary.answer = () => undefined;
    expect(await ask('bad@relay.example')).toBe('deliverable');
  });

  test('stays refused while its server does not answer in time', async () => {
    await ask('bad@relay.example');
    // A dialog that never ends.
    primary.answer = (command) => (command.startsWith('RCPT') ? '250-wait' : undefined);
    expect(await ask('bad@relay.example', 200)).toBe('undeliverable');
  });

  test('as Postfix: is refused for hours with posthaste_address_verify_recheck = no', async () => {
    times = { ...times, rechecksRefusals: false };
    await ask('bad@relay.example');
    clock.advance(3 * 3600 * 1000 - 1000);
    expect(await ask('bad@relay.example')).toBe('undeliverable');
    expect(probes()).toBe(1);
    clock.advance(2000);
    await ask('bad@relay.example');
    expect(probes()).toBe(2);
  });

  test('is asked each time with address_verify_negative_cache = no', async () => {
    times = { ...times, keepsRefusals: false, rechecksRefusals: false };
    await ask('bad@relay.example');
    await ask('bad@relay.example');
    expect(probes()).toBe(2);
  });
});

describe('V18: nothing old stands against a change', () => {
  test('a reload forgets refusals and servers that did not answer', async () => {
    times = { ...times, rechecksRefusals: false };
    expect(await ask('new@relay.example')).toBe('undeliverable');
    primary.answer = () => undefined;
    expect(await ask('new@relay.example')).toBe('undeliverable');
    verifier.forgetRefusals();
    expect(await ask('new@relay.example')).toBe('deliverable');
  });

  test('an answer from another server than mail would go to is none', async () => {
    await ask('ann@relay.example');
    const other = new SmtpRecorder();
    other.answer = (command) => (command.startsWith('RCPT') ? '550 5.1.1 not here' : undefined);
    nexthop = `[127.0.0.1]:${await other.listen()}`;
    expect(await ask('ann@relay.example')).toBe('undeliverable');
    await other.close();
  });
});

describe('in doubt', () => {
  test('a temporary refusal, a table that fails and a transport that is not there defer', async () => {
    expect(await ask('busy@relay.example')).toBe('deferred');
    route = async () => {
      throw new TemporaryError('the table is silent');
    };
    expect(await verifier.verify('ann@relay.example', 100)).toEqual({
      status: 'deferred',
      text: 'the table is silent',
    });
    route = async (address) => [{ recipient: address, original: address, transport: 'odd', nexthop }];
    expect(await ask('ann@relay.example')).toBe('deferred');
  });

  test('who cannot wait is told so, and the answer is there the next time', async () => {
    primary.answer = () => undefined;
    const first = verifier.verify('slow@relay.example', 0);
    expect(['unknown', 'deliverable']).toContain((await first).status);
    expect(await ask('slow@relay.example')).toBe('deliverable');
    expect(probes()).toBe(1);
  });

  test('an alias of several is taken on trust', async () => {
    route = async (address) =>
      ['a', 'b'].map((name) => ({ recipient: `${name}@x.example`, original: address, transport: 'relay', nexthop }));
    expect(await verifier.verify('list@relay.example', 100)).toEqual({
      status: 'deliverable',
      text: 'aliased to multiple recipients',
    });
    expect(primary.connections).toBe(0);
  });
});

describe('a stranger who asks for much', () => {
  test('has a server asked once for one address, and by a few connections at a time', async () => {
    let open = 0;
    let most = 0;
    primary.answer = (command) => {
      if (command.startsWith('EHLO')) most = Math.max(most, ++open);
      if (command === 'QUIT') open--;
      return undefined;
    };
    const same = Array.from({ length: 20 }, () => ask('ann@relay.example'));
    const many = Array.from({ length: 60 }, (_, number) => ask(`u${number}@relay.example`));
    expect(new Set(await Promise.all([...same, ...many]))).toEqual(new Set(['deliverable']));
    expect(probes()).toBe(61);
    expect(most).toBeLessThanOrEqual(20);
  });

  test('hears "later" beyond address_verify_pending_request_limit', async () => {
    pendingLimit = 3;
    const many = Array.from({ length: 10 }, (_, number) => verifier.verify(`u${number}@relay.example`, 5000));
    const texts = (await Promise.all(many)).map(({ text }) => text);
    expect(texts.filter((text) => text === 'Too many address verification requests')).toHaveLength(7);
  });

  test('waits for no server that is known to be down', async () => {
    await primary.close();
    for (let number = 0; number < 10; number++) expect(await ask(`u${number}@relay.example`)).toBe('deferred');
    expect(log.lines.filter((line) => line.includes('Connection refused')).length).toBeLessThanOrEqual(6);
    expect((await verifier.verify('x@relay.example', 1000)).text).toMatch(/^delivery temporarily suspended: /);
    primary = new SmtpRecorder();
    await primary.listen(Number(nexthop.split(':')[1]));
    clock.advance(301_000);
    expect(await ask('x@relay.example')).toBe('deliverable');
  });
});

test('the end of the server waits for no question that must wait for its turn', { timeout: 5000 }, async () => {
  await verifier.close();
  rateDelayMilliseconds = 60_000;
  verifier = open();
  expect(await ask('ann@relay.example')).toBe('deliverable');
  const second = ask('bob@relay.example', 60_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await verifier.close();
  expect(await second).toBe('deferred');
  expect(probes()).toBe(1);
});

test('the cache is bounded, and one that cannot be read is begun anew', async () => {
  const file = join(folder, 'small.db');
  const warnings: string[] = [];
  const options = { file, warn: (text: string) => warnings.push(text), maxEntries: 50 };
  const cache = new VerifyCache(options);
  for (let number = 0; number < 200; number++) {
    cache.put(`u${number}`, { status: 'deliverable', text: '', updated: number, route: 'r' });
  }
  expect(cache.get('u199')).toBeDefined();
  expect(cache.get('u100')).toBeUndefined();
  expect(
    Array.from({ length: 200 }, (_, number) => cache.get(`u${number}`)).filter(Boolean).length,
  ).toBeLessThanOrEqual(50);
  cache.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  writeFileSync(file, 'this is no database'.repeat(1000));
  const anew = new VerifyCache(options);
  anew.put('a', { status: 'undeliverable', text: 'no', updated: 1, route: 'r' });
  expect(anew.get('a')).toMatchObject({ status: 'undeliverable' });
  expect(warnings.join()).toContain('begun anew');
  anew.close();
});
