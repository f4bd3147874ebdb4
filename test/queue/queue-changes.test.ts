// What an administrator does to queued mail, on a real store: what waits, what is being sent at that moment, and what a
// crash leaves.

import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { QueueChanges } from '../../src/queue/queue-changes.ts';
import { openSqlite } from '../../src/database/sqlite.ts';
import { mismatch, readAccounts } from '../../src/mailstore/operations/books.ts';
import { TemporaryError } from '../../src/lib/temporary-error.ts';
import type { Delivery } from '../../src/routing/types.ts';
import { Harness, later, sent } from './harness.ts';

let queue: Harness;
let changes: QueueChanges;
/** Where recipients are routed to by now. */
let route: (recipient: string) => Promise<Delivery[]>;

beforeEach(async () => {
  queue = await Harness.open();
  route = (recipient) => queue.route(recipient);
  changes = makeChanges();
});

afterEach(async () => {
  await queue.close();
  expect(booksMismatch()).toBe(0);
});
afterAll(() => Harness.end());

function makeChanges(): QueueChanges {
  const { store, scheduler, clock, log } = queue;
  return new QueueChanges({
    store,
    scheduler,
    route: (recipient) => route(recipient),
    handling: () => 'external',
    clock,
    log,
    syslogName: 'postfix',
  });
}

/** Recipients that came in and are neither in the books nor in the queue. */
function booksMismatch(): number {
  const database = openSqlite(path.join(queue.folder, 'store.db'), { readonly: true, busyTimeout: 1000 });
  const rows = database.prepare("SELECT key, value FROM meta WHERE key LIKE 'recipients.%'").all();
  const { queued } = database.prepare('SELECT count(*) AS queued FROM queue_recipient').get() as { queued: number };
  database.close();
  return mismatch(readAccounts(rows as Parameters<typeof readAccounts>[0]), queued);
}

/** What the remote agent was asked to deliver, recipient by recipient. */
function tried(): string[] {
  return queue.remote.requests.flatMap(({ recipients }) => recipients.map(({ recipient }) => recipient));
}

async function deferred(recipients: readonly string[]): Promise<string> {
  queue.remote.answer = () => later;
  const id = await queue.send(recipients, { sender: 'ann@local.example' });
  queue.remote.requests.length = 0;
  queue.remote.answer = () => sent;
  return id;
}

/** A message whose delivery to the first host waits for `open`; the rest stands in that host's line. */
async function running(recipients: readonly string[]): Promise<{ id: string; open: () => void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  queue.remote.gate = promise;
  const submission = await queue.submission(recipients, { sender: 'ann@local.example' });
  await queue.queue.submit(submission);
  return { id: submission.queueId, open: resolve };
}

describe('requeue', () => {
  test('routes what waits anew, and tries it at once', async () => {
    const id = await deferred(['bob@away.example', 'eve@moved.example']);
    route = async (recipient) => [
      {
        recipient: recipient.replace('moved', 'new'),
        original: recipient,
        transport: 'smtp',
        nexthop: 'relay.example',
      },
    ];
    expect(await changes.apply('requeue', [id, 'none'])).toEqual([id]);
    await queue.scheduler.whenIdle();
    expect(tried().toSorted()).toEqual(['bob@away.example', 'eve@new.example']);
    expect(queue.remote.requests.map(({ nexthop }) => nexthop)).toEqual(['relay.example']);
    expect(queue.queued()).toEqual([]);
    expect(queue.logged(`${id}: requeued`)).toHaveLength(1);
    expect(queue.logged('orig_to=<eve@moved.example>')).toHaveLength(1);
  });

  test('leaves those alone who have their copy, though all came of one address', async () => {
    queue.remote.answer = (recipient) => (recipient === 'two@away.example' ? later : sent);
    const submission = await queue.submission(['list@away.example']);
    const [list] = submission.recipients;
    const members = ['one@away.example', 'two@away.example'];
    const deliveries = members.map((recipient) => ({
      recipient,
      original: 'list@away.example',
      transport: 'smtp',
      nexthop: 'away.example',
    }));
    await queue.queue.submit({ ...submission, recipients: [{ ...list!, deliveries }] });
    await queue.scheduler.whenIdle();
    queue.remote.requests.length = 0;
    queue.remote.answer = () => sent;
    expect(await changes.apply('requeue', [submission.queueId])).toHaveLength(1);
    await queue.scheduler.whenIdle();
    expect(tried()).toEqual(['two@away.example']);
  });

  test('leaves one end of a local address as it is: the address would bring the others again', async () => {
    queue.remote.answer = () => later;
    const end = JSON.stringify({ kind: 'command', what: '/bin/tool' });
    const submission = await queue.submission(['team@away.example']);
    const [team] = submission.recipients;
    const row = { recipient: 'team@away.example', original: 'team@away.example', transport: 'smtp', nexthop: '', end };
    await queue.queue.submit({ ...submission, recipients: [{ ...team!, deliveries: [row] }] });
    await queue.scheduler.whenIdle();
    const before = queue.queued()[0]?.recipients[0]?.nexthop;
    expect(before).toContain('/bin/tool');
    route = async () => expect.fail('routed again');
    expect(await changes.apply('requeue', [submission.queueId])).toHaveLength(1);
    await queue.scheduler.whenIdle();
    expect(queue.queued()[0]?.recipients[0]?.nexthop).toBe(before);
    expect(queue.remote.requests.at(-1)?.nexthop).toBe(before);
  });

  test('takes mail from hold, into a mailbox of this server if it lies here by now', async () => {
    const id = await deferred(['bob@away.example']);
    await changes.apply('hold', [id]);
    route = async (recipient) => [
      { recipient: 'ann@local.example', original: recipient, transport: 'mailstore', nexthop: 'local.example' },
    ];
    await changes.apply('requeue', [id]);
    await queue.scheduler.whenIdle();
    expect(await queue.inbox(1)).toHaveLength(1);
    expect(queue.queued()).toEqual([]);
  });

  test('makes one of two recipients that are one by now, and bounces one that is gone', async () => {
    const id = await deferred(['bob@away.example', 'gone@away.example']);
    route = async (recipient) =>
      recipient === 'gone@away.example'
        ? []
        : ['ann@local.example', 'ANN@local.example'].map((target) => ({
            recipient: target,
            original: recipient,
            transport: 'mailstore',
            nexthop: 'local.example',
          }));
    await changes.apply('requeue', [id]);
    await queue.scheduler.whenIdle();
    const copies = (await queue.inbox(1)).map((copy) => /Subject: (.*)\r/.exec(copy)?.[1]);
    expect(new Set(copies)).toEqual(new Set(['hi', 'Undelivered Mail Returned to Sender']));
    expect(copies).toHaveLength(2);
    expect(queue.logged('to=<gone@away.example>').at(-1)).toMatch(/dsn=5\.1\.1, status=bounced/);
  });

  test('changes nothing while a table is silent', async () => {
    const id = await deferred(['bob@away.example']);
    const before = queue.queued();
    route = () => Promise.reject(new TemporaryError('the table is silent'));
    expect(await changes.apply('requeue', [id])).toEqual([]);
    expect(queue.queued()).toEqual(before);
    expect(queue.logged(`${id}: not requeued: the table is silent`)).toHaveLength(1);
    await queue.pass(600);
    expect(tried()).toEqual(['bob@away.example']);
  });

  test('of mail that is being sent waits for the end of the attempt; who got it gets it once', async () => {
    const { id, open } = await running(['bob@away.example', 'eve@other.example']);
    queue.remote.answer = (recipient, { nexthop }) =>
      recipient.startsWith('bob') || nexthop === 'relay.example' ? sent : later;
    expect(await changes.apply('requeue', [id])).toEqual([id]);
    expect(queue.logged(`${id}: requeued`)).toEqual([]);
    route = async (recipient) => [{ recipient, original: recipient, transport: 'smtp', nexthop: 'relay.example' }];
    queue.remote.gate = undefined;
    open();
    await expect.poll(() => queue.logged(`${id}: requeued`).length).toBe(1);
    await queue.scheduler.whenIdle();
    await queue.pass(600);
    expect(tried().toSorted()).toEqual(['bob@away.example', 'eve@other.example', 'eve@other.example']);
    expect(queue.remote.requests.at(-1)?.nexthop).toBe('relay.example');
  });
});

describe('mail that is being sent', () => {
  const crowd = Array.from({ length: 60 }, (_, index) => `u${index}@away.example`);

  test('and is deleted: what runs goes on, what has not begun does not', async () => {
    await queue.close();
    queue = await Harness.open({ limits: { recipientLimit: 10, initialConcurrency: 2, concurrencyLimit: 2 } });
    changes = makeChanges();
    const { id, open } = await running(crowd);
    expect(queue.remote.running).toBe(2);
    expect(await changes.apply('remove', [id])).toEqual([id]);
    open();
    await queue.scheduler.whenIdle();
    expect(tried()).toHaveLength(20);
    expect(queue.queued()).toEqual([]);
    expect(queue.scheduler.activeCount).toBe(0);
  });

  test('and is held: the rest stays on hold until it is released', async () => {
    await queue.close();
    queue = await Harness.open({ limits: { recipientLimit: 10, initialConcurrency: 2, concurrencyLimit: 2 } });
    changes = makeChanges();
    const { id, open } = await running(crowd);
    expect(await changes.apply('hold', [id])).toEqual([id]);
    queue.remote.gate = undefined;
    open();
    await queue.scheduler.whenIdle();
    await queue.pass(10_000);
    expect(tried()).toHaveLength(20);
    expect(queue.queued()[0]).toMatchObject({ hold: true });
    expect(queue.queued()[0]?.recipients).toHaveLength(40);
    expect(queue.logged(`${id}: removed`)).toEqual([]);
    expect(await changes.apply('release', [id])).toEqual([id]);
    await queue.scheduler.whenIdle();
    expect(tried().toSorted()).toEqual(crowd.toSorted());
    expect(queue.queued()).toEqual([]);
  });

  test('and waits in its line is deleted without a try', async () => {
    await queue.close();
    queue = await Harness.open({ limits: { initialConcurrency: 1, concurrencyLimit: 1 } });
    changes = makeChanges();
    const first = await running(['bob@away.example']);
    const second = await running(['eve@away.example']);
    await changes.apply('remove', [second.id]);
    first.open();
    second.open();
    await queue.scheduler.whenIdle();
    expect(tried()).toEqual(['bob@away.example']);
  });
});

describe('expire', () => {
  test('returns mail with its last reason, without a try', async () => {
    queue.remote.answer = () => later;
    const id = await queue.send(['bob@away.example'], { sender: 'ann@local.example' });
    queue.remote.requests.length = 0;
    expect(await changes.apply('expire', [id])).toEqual([id]);
    await queue.scheduler.whenIdle();
    expect(tried()).toEqual([]);
    expect(queue.queued()).toEqual([]);
    expect(queue.logged(`${id}: from=<ann@local.example>, status=force-expired, returned to sender`)).toHaveLength(1);
    expect((await queue.inbox(1))[0]).toMatch(/Status: 4\.2\.0\r\nDiagnostic-Code: X-Postfix; come later/);
  });

  test('of held mail waits until it is released, over a restart', async () => {
    const id = await deferred(['bob@away.example']);
    await changes.apply('hold', [id]);
    expect(await changes.apply('expire', [id])).toEqual([id]);
    expect(await changes.apply('expire', [id])).toEqual([]);
    await queue.restart();
    changes = makeChanges();
    await queue.scheduler.scan();
    expect(queue.queued()[0]).toMatchObject({ id, hold: true, nextAttempt: 0 });
    await changes.apply('release', [id]);
    await queue.scheduler.whenIdle();
    expect(tried()).toEqual([]);
    expect(queue.logged('status=force-expired')).toHaveLength(1);
  });

  test('of mail that is being sent leaves those who get it', async () => {
    const { id, open } = await running(['bob@away.example', 'eve@other.example']);
    queue.remote.answer = (recipient) => (recipient.startsWith('bob') ? sent : later);
    await changes.apply('expire', [id]);
    open();
    await queue.scheduler.whenIdle();
    await queue.pass(300);
    expect(tried()).toHaveLength(2);
    expect(queue.queued().filter((message) => message.id === id)).toEqual([]);
    expect(queue.logged('status=force-expired')).toHaveLength(1);
  });
});

test('flush tries the named messages now, whatever their time and their destination', async () => {
  queue.remote.unreachable = true;
  const id = await deferred(['bob@away.example']);
  const other = await deferred(['eve@away.example']);
  queue.remote.unreachable = false;
  expect(await changes.apply('flush', [id, 'none'])).toEqual([id]);
  await queue.scheduler.whenIdle();
  expect(tried()).toEqual(['bob@away.example']);
  expect(queue.queued().map((message) => message.id)).toEqual([other]);
  await changes.apply('hold', [other]);
  expect(await changes.apply('flush', [other])).toEqual([]);
});
