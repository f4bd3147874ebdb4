import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { DefenceStore } from './defence-store.ts';
import { Greylist, type GreyNetwork, type GreyTriplet } from './greylist.ts';

const minute = 60_000;
const times = {
  delayMilliseconds: 5 * minute,
  retryWindowMilliseconds: 2 * 1440 * minute,
  maxAgeMilliseconds: 35 * 1440 * minute,
  autoAllow: 3,
};

function open(clock: FakeClock, file?: string, max = 1000, warnings: string[] = []) {
  const store = new DefenceStore({ file, clock, warn: (text) => warnings.push(text) });
  const triplets = store.kept<GreyTriplet>('grey', max);
  const greylist = new Greylist({ clock, triplets, networks: store.kept<GreyNetwork>('grey-network', 100) });
  const ask = (address: string, sender: string, recipient = 'anna@example.com'): number => {
    const answer = greylist.check({ address, sender, recipient }, times);
    return answer.kind === 'pass' ? 0 : answer.seconds;
  };
  return { ask, store, triplets };
}

test('who comes back from the same network, in time, passes from then on', () => {
  const clock = new FakeClock();
  const { ask } = open(clock);
  expect(ask('192.0.2.7', 'a@b.example')).toBe(300);
  clock.advance(minute);
  expect(ask('192.0.2.7', 'a@b.example')).toBe(240);
  clock.advance(4 * minute);
  expect(ask('192.0.2.200', 'a@b.example')).toBe(0);
  expect(ask('192.0.2.200', 'a@b.example', 'bob@example.com')).toBe(300);
  expect(ask('192.0.3.7', 'a@b.example')).toBe(300);
  clock.advance(34 * 1440 * minute);
  expect(ask('192.0.2.7', 'a@b.example')).toBe(0);
  clock.advance(36 * 1440 * minute);
  expect(ask('192.0.2.7', 'a@b.example')).toBe(300);
});

test('who comes back too late is new', () => {
  const clock = new FakeClock();
  const { ask } = open(clock);
  ask('2001:db8::1', '');
  clock.advance(3 * 1440 * minute);
  expect(ask('2001:db8::2', '')).toBe(300);
});

test('what changes in a sender with each message does not matter', () => {
  const clock = new FakeClock();
  const { ask } = open(clock);
  ask('192.0.2.7', 'list-return-1234-anna=example.com@lists.example');
  ask('192.0.2.7', 'bob+tag1@b.example');
  clock.advance(6 * minute);
  expect(ask('192.0.2.7', 'list-return-5678-anna=example.com@lists.example')).toBe(0);
  expect(ask('192.0.2.7', 'BOB+tag2@b.example')).toBe(0);
});

test('a network that keeps coming back is put off no more; hours count, not messages', () => {
  const clock = new FakeClock();
  const { ask } = open(clock);
  for (let round = 0; round < 3; round++) {
    for (const name of ['x', 'y']) ask('192.0.2.7', `${name}${'abc'[round]}@b.example`);
    clock.advance(70 * minute);
    expect(ask('192.0.2.7', 'new@b.example', `r${round}@example.com`)).toBe(300);
    for (const name of ['x', 'y']) expect(ask('192.0.2.7', `${name}${'abc'[round]}@b.example`)).toBe(0);
  }
  expect(ask('192.0.2.9', 'whoever@b.example')).toBe(0);
});

test('what is known survives a restart; a broken file is begun anew; strangers cannot fill it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'greylist-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'defence.db');
  const clock = new FakeClock();
  const first = open(clock, file);
  first.ask('192.0.2.7', 'a@b.example');
  first.store.close();
  clock.advance(6 * minute);
  const second = open(clock, file, 500);
  expect(second.ask('192.0.2.7', 'a@b.example')).toBe(0);
  for (let index = 0; index < 20_000; index++) second.ask(`10.${index >> 8}.${index & 255}.1`, 'x@y.example');
  expect(second.triplets.count).toBeLessThanOrEqual(500);
  // What has passed expires last, so it goes last.
  expect(second.ask('192.0.2.7', 'a@b.example')).toBe(0);
  second.store.close();
  writeFileSync(file, 'no database'.repeat(1000));
  const warnings: string[] = [];
  expect(open(clock, file, 500, warnings).ask('192.0.2.7', 'a@b.example')).toBe(300);
  expect(warnings.join()).toContain('begun anew');
});
