// The concurrency window of a destination, its death, and how seconds are logged.

import { expect, test } from 'vitest';
import { Destination } from './destination.ts';
import { seconds } from './log-lines.ts';

const death = { status: '4.4.1', reason: 'connect: Connection refused' };
const limits = { concurrencyLimit: 8, initialConcurrency: 5 };

test('success opens the window up to the limit, and not ahead of what is used', () => {
  const destination = new Destination('smtp:x', limits);
  for (let count = 0; count < 20; count++) destination.succeeded();
  expect(destination.window).toBe(5);
  destination.busy = 4;
  for (let count = 0; count < 20; count++) destination.succeeded();
  expect(destination.window).toBe(8);
});

test('a cohort of failures without success is death for a while', () => {
  const destination = new Destination('smtp:x', limits);
  let failures = 0;
  while (!destination.death(0)) {
    destination.failed(death, 300);
    failures++;
  }
  // 1/5 + 1/4 + 1/3 + 1/2
  expect(failures).toBe(4);
  expect(destination.death(299)).toEqual(death);
  expect(destination.death(300)).toBeUndefined();
  expect(destination.isIdle(299)).toBe(false);
  expect(destination.isIdle(300)).toBe(true);
  expect(destination.window).toBe(5);
});

test('success in between lets it live', () => {
  const destination = new Destination('smtp:x', limits);
  for (let count = 0; count < 50; count++) {
    destination.failed(death, 300);
    destination.succeeded();
  }
  expect(destination.death(0)).toBeUndefined();
  expect(destination.window).toBeGreaterThanOrEqual(1);
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
