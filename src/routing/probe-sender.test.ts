import { expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { Settings } from '../settings/settings.ts';
import { ProbeSender } from './probe-sender.ts';

const rules = {
  appendAtMyorigin: true,
  myorigin: 'mx.example',
  appendDotMydomain: false,
  mydomain: 'example',
  swapBangpath: true,
  allowPercentHack: true,
};
const clock = new FakeClock();
const open = (overrides: Record<string, string> = {}) => new ProbeSender(Settings.defaults(overrides), rules, clock);

test('is double-bounce at myorigin where nothing else is said', () => {
  expect(open().address).toBe('double-bounce@mx.example');
  expect(open().is('Double-Bounce@mx.example')).toBe(true);
  expect(open().is('double-bounce1@mx.example')).toBe(false);
  expect(open({ address_verify_sender: 'probe@other.example' }).address).toBe('probe@other.example');
});

test.each(['', '<>'])('address_verify_sender = %s is the null sender, and nobody', (value) => {
  expect(open({ address_verify_sender: value }).address).toBe('');
  expect(open({ address_verify_sender: value }).is('')).toBe(false);
});

test('address_verify_sender_ttl: changes with the time, and is known a moment longer', () => {
  const sender = open({ address_verify_sender_ttl: '6h' });
  const first = sender.address;
  expect(first).toMatch(/^double-bounce[0-9BCDFGHJKLMNPQRSTVWXYZ]+@mx\.example$/);
  clock.advance(6 * 3_600_000);
  expect(sender.address).not.toBe(first);
  expect(sender.is(first)).toBe(true);
  clock.advance(6 * 3_600_000);
  expect(sender.is(first)).toBe(false);
  expect(sender.is('double-bounce@mx.example')).toBe(false);
});
