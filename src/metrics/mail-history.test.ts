// Numbers over time survive restarts, belong to their minute, and leave when their turn of the ring is over.

import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { ProgramLog } from '../lib/log.ts';
import { MailHistory, noMail, readHistory, statisticsFile } from './mail-history.ts';
import { seriesOf } from './mail-series.ts';

let folder: string;
let file: string;
let clock: FakeClock;
const warnings: string[] = [];
const log = new ProgramLog({ write: (_program, _level, text) => void warnings.push(text) }, 'test');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'history-'));
  file = join(folder, statisticsFile);
  clock = new FakeClock(Date.UTC(2026, 2, 1, 12, 30, 20));
  warnings.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const minute = 60_000;
const open = (totals = noMail()) => ({ totals, history: new MailHistory({ file, clock, totals, log }) });

test('what is counted stands in its minute and hour, over restarts, and idle servers write nothing', async () => {
  const { totals, history } = open();
  await history.flush();
  expect(() => readFileSync(file)).toThrow();
  totals.accepted += 3;
  totals.refused += 1;
  await history.flush();
  // Another process on the same minute: its totals begin at nothing.
  const later = open();
  clock.advance(10_000);
  later.totals.accepted += 2;
  await later.history.flush();
  clock.advance(minute);
  later.totals.accepted += 1;
  await later.history.flush();
  const found = await readHistory(file, clock.now());
  expect(found.minutes.map(({ accepted, refused }) => [accepted, refused])).toEqual([
    [5, 1],
    [1, 0],
  ]);
  expect(found.hours.map(({ accepted }) => accepted)).toEqual([6]);
  expect(warnings).toEqual([]);
});

test('a minute leaves after a day, an hour after 90 days, and the file does not grow', async () => {
  const { totals, history } = open();
  totals.delivered += 1;
  await history.flush();
  clock.advance(24 * 60 * minute);
  expect((await readHistory(file, clock.now())).minutes).toEqual([]);
  totals.delivered += 1;
  await history.flush();
  const found = await readHistory(file, clock.now());
  // Half of the day that has passed lies at the middle of the time in which it may have happened.
  expect(found.hours.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(2);
  clock.advance(90 * 24 * 60 * minute);
  expect((await readHistory(file, clock.now())).hours).toEqual([]);
  expect(readFileSync(file).length).toBeLessThanOrEqual((1440 + 2160) * 32);
});

test('a torn record counts as nothing, and a file that cannot be written keeps the numbers for later', async () => {
  const { totals, history } = open();
  totals.bounced += 4;
  await history.flush();
  const bytes = readFileSync(file);
  writeFileSync(
    file,
    bytes.map((one, index) => (index % 32 === 20 ? one ^ 1 : one)),
  );
  expect(await readHistory(file, clock.now())).toEqual({ minutes: [], hours: [] });
  truncateSync(file, 0);
  rmSync(folder, { recursive: true });
  totals.bounced += 1;
  await history.flush();
  await history.flush();
  expect(warnings).toHaveLength(1);
});

test('a day is a day where the reader is', () => {
  const at = (hour: number) => Date.UTC(2026, 2, 1, hour);
  const hours = [0, 22, 23].map((hour) => ({ time: at(hour), ...noMail(), accepted: 1 }));
  const points = (zone: number) =>
    seriesOf({ minutes: [], hours }, '90d', at(23), zone)
      .points.slice(-2)
      .map(({ accepted }) => accepted);
  expect(points(0)).toEqual([0, 3]);
  expect(points(120)).toEqual([1, 2]);
});
