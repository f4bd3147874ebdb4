// A filter means the same messages wherever it is used: in pages, in numbers, and in acts; however the rows lie.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SqliteConnection } from '../database/sqlite.ts';
import { type QueueFilter, reasonPattern } from './queue-filter.ts';
import { QueueScan } from './queue-scan.ts';
import { openStoreForWriting } from './schema.ts';

const now = Date.UTC(2026, 2, 1);
let folder: string;
let database: SqliteConnection;
let scan: QueueScan;

interface Queued {
  readonly id: string;
  readonly sender?: string;
  readonly minutes?: number;
  readonly hold?: boolean;
  readonly attempts?: number;
  readonly to: readonly (readonly [string, string?])[];
}

const queued: readonly Queued[] = [
  {
    id: 'A',
    sender: 'ann@one.example',
    to: [['x@dead.test', 'connect to mx.dead.test[192.0.2.1]:25: refused']],
    attempts: 1,
  },
  { id: 'B', sender: 'aann@one.example', to: [['y@Dead.test'], ['z@other.test'], ['z_1@other.test']], minutes: 120 },
  { id: 'C', sender: '', to: [['q@dead.test.example', '450 4.2.1 <q@dead.test.example>: greylisted 17']], hold: true },
  { id: 'D', sender: 'bob@two.example', to: [['zz1@other.test', '450 4.2.1 <q>: greylisted 99']], attempts: 3 },
];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scan-'));
  database = openStoreForWriting(join(folder, 'store.db'), 'NORMAL');
  const message = database.prepare(
    `INSERT INTO queue_message (id, content, size, sender, arrival, next_attempt, attempts, ret, envid, smtputf8, eight_bit, warned, hold)
     VALUES (?, 1, 1000, ?, ?, 0, ?, '', '', 0, 0, 0, ?)`,
  );
  const recipient = database.prepare(
    `INSERT INTO queue_recipient (id, message, original, recipient, transport, nexthop, notify, orcpt, state, status, reason)
     VALUES (?, ?, '', ?, 'smtp', '', '', '', 'pending', '', ?)`,
  );
  let row = 0;
  for (const { id, sender = '', minutes = 1, hold = false, attempts = 0, to } of queued) {
    message.run(id, sender, now - minutes * 60_000, attempts, Number(hold));
    // Rows that have left lie between: windows must not end there.
    row += 50_000;
    for (const [address, reason = ''] of to) recipient.run(++row, id, address, reason);
  }
  scan = new QueueScan(database);
});
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const active = new Set(['D']);

function pages(filter: QueueFilter, limit: number): string[] {
  const found: string[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const page: { ids: readonly string[]; next?: string } = scan.ids(filter, active, after, limit);
    found.push(...page.ids);
    after = page.next;
  }
  return found;
}

describe('a filter means', () => {
  test.each<[QueueFilter, string]>([
    [{}, 'ABCD'],
    [{ sender: 'ann@' }, 'AB'],
    [{ sender: '<ANN@one.example>' }, 'A'],
    [{ sender: '<>' }, 'C'],
    [{ recipient: 'z_1' }, 'B'],
    [{ recipient: '%' }, ''],
    [{ destination: 'dead.test' }, 'AB'],
    [{ destination: 'other.test' }, 'BD'],
    [{ reason: 'greylisted' }, 'CD'],
    [{ reason: 'connect to mx.*[*]:*: refused' }, 'A'],
    [{ state: 'hold' }, 'C'],
    [{ state: 'active' }, 'D'],
    [{ state: 'deferred' }, 'A'],
    [{ state: 'incoming' }, 'B'],
    [{ before: now - 3_600_000 }, 'B'],
    [{ since: now - 3_600_000, destination: 'other.test' }, 'D'],
  ])('%j: %s', (filter, expected) => {
    for (const limit of [1, 2, 100]) expect(pages(filter, limit).join('')).toBe(expected);
    expect(scan.summary(filter, active, now).messages).toBe(expected.length);
  });
});

test('a page shows the recipients that match, and how many there are', () => {
  const { messages } = scan.list({ destination: 'other.test' }, active, '', 10, 1);
  expect(
    messages.map(({ id, recipientCount, recipients, state }) => [id, recipientCount, recipients[0]?.recipient, state]),
  ).toEqual([
    ['B', 3, 'z@other.test', 'incoming'],
    ['D', 1, 'zz1@other.test', 'active'],
  ]);
});

test('numbers are by destination, age, reason and sender', () => {
  const summary = scan.summary({}, active, now);
  expect(summary).toMatchObject({ messages: 4, recipients: 6, bytes: 4000, isComplete: true, destinationCount: 3 });
  expect(summary.states).toEqual({ incoming: 1, active: 1, deferred: 1, hold: 1 });
  expect(summary.destinations[0]).toEqual({ name: 'other.test', recipients: 3, ages: [1, 0, 2, 0, 0, 0] });
  expect(summary.reasons.map(({ name, recipients }) => [name, recipients])).toContainEqual([
    '450 4.2.1 <*>: greylisted *',
    2,
  ]);
});

test.each([
  ['connect to mx1.example[192.0.2.1]:25: Connection timed out', 'connect to *.example[*]:*: Connection timed out'],
  ['host mx[2001:db8::1] said: 451 4.7.1 Try again 4jWwJ04sK4zpbG2', 'host mx[*] said: 451 4.7.1 Try again *'],
])('the reason %s is of the kind %s, which finds it', (reason, pattern) => {
  expect(reasonPattern(reason)).toBe(pattern);
});
