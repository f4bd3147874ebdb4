// The books of the queue: whoever comes in leaves by one account, and what is in neither is found.

import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { openSqlite } from '../../src/database/sqlite.ts';
import type { BookAccount } from '../../src/mailstore/types.ts';
import path from 'node:path';
import { Harness, later, never } from './harness.ts';

let harness: Harness;
let before: Readonly<Record<BookAccount, number>>;

async function open(overrides = {}): Promise<void> {
  harness = await Harness.open(overrides);
  ({ books: before } = await harness.store.books.census());
}

beforeEach(() => open());
afterEach(() => harness.close());
afterAll(() => Harness.end());

/** What has been added to the books since the test began; 0 is left out. */
async function added(): Promise<Partial<Record<BookAccount, number>>> {
  const { books, mismatch } = await harness.store.books.census();
  expect(mismatch).toBe(0);
  const changed = Object.entries(books).map(([name, count]) => [name, count - before[name as BookAccount]] as const);
  return Object.fromEntries(changed.filter(([, count]) => count !== 0));
}

test('mail straight into mailboxes comes in and is delivered, each recipient of a shared copy', async () => {
  harness.mailboxes.set('sales@local.example', { id: 1, quotaBytes: 0 });
  await harness.send(['ann@local.example', 'sales@local.example']);
  expect(await added()).toEqual({ entered: 2, delivered: 2 });
  expect((await harness.inbox(1)).length).toBe(1);
});

test('a duplicate is counted once, as it is delivered once', async () => {
  await harness.send(['ann@local.example', 'ANN@local.example']);
  expect(await added()).toEqual({ entered: 1, delivered: 1 });
});

test('relayed, deferred and bounced, with the notice as mail of its own', async () => {
  harness.remote.answer = (recipient) => {
    if (recipient.startsWith('late')) return later;
    if (recipient.startsWith('gone')) return never;
    return { kind: 'delivered', status: '2.0.0', reason: '250 Ok', relay: 'mx', relayed: true };
  };
  await harness.send(['a@x.example', 'late@x.example', 'gone@x.example'], { sender: 'ann@local.example' });
  expect(await added()).toEqual({ entered: 4, relayed: 1, bounced: 1, delivered: 1 });
  const { recipients, messages } = await harness.store.books.census();
  expect(recipients).toBe(1);
  expect(messages).toMatchObject({ hold: 0 });
});

test('expired mail is bounced', async () => {
  harness.remote.answer = () => later;
  await harness.send(['late@x.example'], { sender: 'ann@local.example' });
  await harness.pass(6 * 86_400);
  expect(await added()).toEqual({ entered: 2, bounced: 1, delivered: 1 });
});

test('an alias that sends on has its recipient forwarded, and the new message comes in', async () => {
  const member = { original: 'list@list.example', notify: '', orcpt: '' };
  harness.list.forwards = [
    { recipients: ['ann@local.example', 'b@x.example'].map((address) => ({ address, ...member })) },
  ];
  await harness.send(['list@list.example']);
  const { relayed = 0, delivered = 0, ...rest } = await added();
  expect(rest).toEqual({ entered: 3, forwarded: 1 });
  expect(relayed + delivered).toBe(2);
});

test('mail on hold is in the queue, and deleting it is an account of its own', async () => {
  const submission = await harness.submission(['a@x.example', 'b@x.example'], { hold: true });
  await harness.queue.submit(submission);
  expect(await added()).toEqual({ entered: 2 });
  expect(await harness.store.books.census()).toMatchObject({ recipients: 2, heldRecipients: 2, messages: { hold: 1 } });
  await harness.store.removeFromQueue([submission.queueId, 'nosuch']);
  expect(await added()).toEqual({ entered: 2, deleted: 2 });
});

test('a long queue is counted on a thread', async () => {
  const many = Array.from({ length: 6000 }, (_, number) => `r${number}@x.example`);
  await harness.queue.submit(await harness.submission(many, { hold: true }));
  expect(await added()).toEqual({ entered: 6000 });
  expect(await harness.store.books.census()).toMatchObject({ recipients: 6000, heldRecipients: 6000 });
});

test('what a rule discards is counted as accepted and discarded', async () => {
  harness.queue.recordDiscarded((await harness.submission(['a@x.example', 'b@x.example'])).recipients);
  await harness.send(['ann@local.example']);
  expect(await added()).toEqual({ entered: 3, discarded: 2, delivered: 1 });
});

test('an outcome of a message that was deleted meanwhile is not counted again', async () => {
  let open = () => {};
  harness.remote.gate = new Promise((resolve) => {
    open = () => resolve();
  });
  const submission = await harness.submission(['a@x.example']);
  await harness.queue.submit(submission);
  await harness.store.removeFromQueue([submission.queueId]);
  open();
  await harness.scheduler.whenIdle();
  expect(await added()).toEqual({ entered: 1, deleted: 1 });
});

test('books survive a restart', async () => {
  harness.remote.answer = () => later;
  await harness.send(['late@x.example', 'ann@local.example']);
  await harness.restart();
  expect(await added()).toEqual({ entered: 2, delivered: 1 });
});

test('a row that vanishes is found, and a mismatch can be acknowledged', async () => {
  harness.remote.answer = () => later;
  await harness.send(['late@x.example', 'later@x.example']);
  const thief = openSqlite(path.join(harness.folder, 'store.db'), { busyTimeout: 5000 });
  thief.exec(`DELETE FROM queue_recipient WHERE recipient = 'late@x.example'`);
  thief.close();
  expect(await harness.store.books.census()).toMatchObject({ mismatch: 1, recipients: 1 });
  expect(await harness.store.books.acknowledgeMismatch()).toBe(1);
  expect(await added()).toEqual({ entered: 2, unexplained: 1 });
});

test('a store from before there were books begins with what is queued', async () => {
  harness.remote.answer = () => later;
  await harness.send(['late@x.example']);
  await harness.scheduler.close(0);
  await harness.crash();
  const old = openSqlite(path.join(harness.folder, 'store.db'));
  old.exec(`DELETE FROM meta WHERE key LIKE 'recipients.%'`);
  old.close();
  await harness.start();
  const { books, recipients, mismatch } = await harness.store.books.census();
  expect({ entered: books.entered, recipients, mismatch }).toEqual({ entered: 1, recipients: 1, mismatch: 0 });
});
