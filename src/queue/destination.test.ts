// A destination's death, pauses and lines; how feedback is read and moves the window; how seconds are logged.

import { expect, test } from 'vitest';
import { ConcurrencyWindow, parseFeedback } from './concurrency-window.ts';
import { Destination } from './destination.ts';
import { seconds } from './log-lines.ts';

const death = { status: '4.4.1', reason: 'connect: Connection refused' };
const limits = {
  concurrencyLimit: 8,
  initialConcurrency: 5,
  positiveFeedback: { base: 1, by: 'nothing' },
  negativeFeedback: { base: 1, by: 'nothing' },
  failedCohortLimit: 1,
  rateDelayMilliseconds: 0,
} as const;

test('success opens the window up to the limit, and not ahead of what is used', () => {
  const destination = new Destination('smtp:x', limits);
  for (let count = 0; count < 20; count++) destination.succeeded(0);
  expect(destination.window).toBe(5);
  destination.busy = 4;
  for (let count = 0; count < 20; count++) destination.succeeded(0);
  expect(destination.window).toBe(8);
});

test('a cohort of failures without success is death for a while', () => {
  const destination = new Destination('smtp:x', limits);
  let failures = 0;
  while (!destination.death(0)) {
    destination.failed(death, 0, 300);
    failures++;
  }
  // 1/5 + 1/3 + 1/2: the first failure takes two steps, as in Postfix.
  expect(failures).toBe(3);
  expect(destination.death(299)).toEqual(death);
  expect(destination.death(300)).toBeUndefined();
  expect(destination.isIdle(299)).toBe(false);
  expect(destination.isIdle(300)).toBe(true);
  expect(destination.window).toBe(5);
});

test('success in between lets it live', () => {
  const destination = new Destination('smtp:x', limits);
  for (let count = 0; count < 50; count++) {
    destination.failed(death, 0, 300);
    destination.succeeded(0);
  }
  expect(destination.death(0)).toBeUndefined();
  expect(destination.window).toBeGreaterThanOrEqual(1);
});

test('what was put off before and what is new take turns, and the first may go alone', () => {
  const destination = new Destination<{ readonly name: string; readonly isRetry: boolean }>('smtp:x', limits);
  for (const name of ['a', 'b', 'c']) destination.add({ name, isRetry: true });
  for (const name of ['1', '2', '3']) destination.add({ name, isRetry: false });
  expect(destination.next(false)?.name).toBe('1');
  const order = Array.from({ length: 5 }, () => destination.next(true)?.name);
  expect(order).toEqual(['a', '2', 'b', '3', 'c']);
  expect(destination.hasWaiting).toBe(false);
});

test('with a rate delay there is one at a time, and a pause after it', () => {
  const destination = new Destination('smtp:x', { ...limits, rateDelayMilliseconds: 5000 });
  expect(destination.window).toBe(1);
  expect(destination.pause(1000)).toBe(0);
  destination.succeeded(1000);
  expect(destination.pause(1000)).toBe(5000);
  expect(destination.pause(5500)).toBe(500);
  expect(destination.isIdle(5500)).toBe(false);
  expect(destination.isIdle(6000)).toBe(true);
});

test.each([
  ['1', { base: 1, by: 'nothing' }],
  ['0.25', { base: 0.25, by: 'nothing' }],
  ['1/8', { base: 0.125, by: 'nothing' }],
  ['1/concurrency', { base: 1, by: 'concurrency' }],
  ['1 / sqrt_concurrency', { base: 1, by: 'sqrt_concurrency' }],
  ['2', undefined],
  ['1/0', undefined],
  ['1/0.5', undefined],
  ['-1', undefined],
  ['1/window', undefined],
  ['', undefined],
])('feedback %j', (text, feedback) => {
  expect(parseFeedback(text)).toEqual(feedback);
});

test('feedback of one over the window: a whole round of successes opens it by one, of failures closes it', () => {
  const byConcurrency = { base: 1, by: 'concurrency' } as const;
  const window = new ConcurrencyWindow({
    ...limits,
    concurrencyLimit: 20,
    positiveFeedback: byConcurrency,
    negativeFeedback: byConcurrency,
    failedCohortLimit: 0,
  });
  let successes = 0;
  while (window.size === 5) {
    window.succeeded(5);
    successes++;
  }
  expect(successes).toBe(5);
  let failures = 0;
  while (window.size > 1 && failures < 1000) {
    window.failed();
    failures++;
  }
  expect(window.size).toBe(1);
  expect(failures).toBeGreaterThan(6);
});

test.each([
  [0, '0'],
  [4, '0'],
  [40, '0.04'],
  [100, '0.1'],
  [2149, '2.1'],
  [12_345, '12'],
  [4_711_000, '4711'],
  [-5, '0'],
])('%d ms is logged as %s s', (milliseconds, text) => {
  expect(seconds(milliseconds)).toBe(text);
});
