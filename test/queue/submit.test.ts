// What is durable when a message has been submitted, on a real store: copies, duplicates, quota, reports.

import { MailboxFullError } from '../../src/queue/types.ts';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Harness, later, sent, text } from './harness.ts';

let queue: Harness;
beforeEach(async () => {
  queue = await Harness.open();
});
afterEach(() => queue.close());
afterAll(() => Harness.end());

const prefix = (to: string, original = to) =>
  `Return-Path: <joe@away.example>\r\nX-Original-To: ${original}\r\nDelivered-To: ${to}\r\n`;

test('mail on hold waits, for local mailboxes and others alike, until it is released', async () => {
  const id = await queue.send(['ann@local.example', 'x@away.example'], { hold: true });
  await queue.pass(100_000);
  expect(await queue.inbox(1)).toEqual([]);
  expect(queue.remote.requests).toEqual([]);
  expect(queue.queued()).toMatchObject([{ id, hold: true, recipients: [{}, {}] }]);
  await queue.store.queueUpdate({ id, recipients: [], hold: false });
  queue.scheduler.enqueue(id);
  await queue.pass(1);
  expect(await queue.inbox(1)).toHaveLength(1);
  expect(queue.remote.requests).toHaveLength(1);
});

describe('mail for local mailboxes', () => {
  test('is in the mailbox when submit returns, and never in the queue', async () => {
    await queue.queue.submit(await queue.submission(['ann@local.example']));
    expect(await queue.inbox(1)).toEqual([prefix('ann@local.example') + text]);
    expect(queue.queued()).toEqual([]);
  });

  test('is logged as Postfix logs it', async () => {
    const submission = await queue.submission(['ann@alias.example']);
    queue.clock.advance(40);
    await queue.queue.submit(submission);
    const id = submission.queueId;
    expect(queue.log.lines).toEqual([
      `postfix/qmgr: ${id}: from=<joe@away.example>, size=${text.length}, nrcpt=1 (queue active)`,
      `postfix/mailstore: ${id}: to=<ann@local.example>, orig_to=<ann@alias.example>, relay=mailstore, delay=0.04, ` +
        'delays=0.04/0/0/0, dsn=2.0.0, status=sent (delivered to mailbox)',
      `postfix/qmgr: ${id}: removed`,
    ]);
  });

  test('is one copy where several recipients lead to one mailbox, and names them all', async () => {
    await queue.send(['ann@local.example', 'ann@alias.example', 'Ann@local.example', 'ann+x@local.example']);
    const [only, ...others] = await queue.inbox(1);
    expect(others).toEqual([]);
    expect(only).toBe(
      'Return-Path: <joe@away.example>\r\nX-Original-To: ann@local.example\r\nX-Original-To: ann@alias.example\r\n' +
        `X-Original-To: ann+x@local.example\r\nDelivered-To: ann@local.example\r\nDelivered-To: ann+x@local.example\r\n${text}`,
    );
  });

  test('over quota is bounced for that recipient alone', async () => {
    queue.mailboxes.set('full@local.example', { id: 2, quotaBytes: 10 });
    const id = await queue.send(['ann@local.example', 'full@local.example'], { sender: 'ann@local.example' });
    const inbox = await queue.inbox(1);
    expect(inbox).toHaveLength(2);
    expect(inbox[1]).toContain('Subject: Undelivered Mail Returned to Sender');
    expect(inbox[1]).toContain('<full@local.example>: mailbox is full');
    expect(await queue.inbox(2)).toEqual([]);
    expect(queue.queued()).toEqual([]);
    expect(queue.logged(`${id}: sender non-delivery notification`)).toHaveLength(1);
  });

  test('whose mailbox is gone meanwhile is bounced', async () => {
    const submission = await queue.submission(['ann@local.example', 'gone@local.example']);
    await queue.queue.submit({ ...submission, sender: 'ann@local.example' });
    await queue.scheduler.whenIdle();
    expect((await queue.inbox(1))[1]).toContain('unknown user: "gone@local.example"');
  });

  test('waits in the queue while the directory is silent', async () => {
    const submission = await queue.submission(['ann@local.example']);
    queue.isSilent = true;
    await queue.queue.submit(submission);
    await queue.scheduler.whenIdle();
    expect(queue.queued()[0]?.recipients[0]?.state).toBe('deferred');
    queue.isSilent = false;
    await queue.pass(300);
    expect(await queue.inbox(1)).toHaveLength(1);
    expect(queue.queued()).toEqual([]);
  });
});

test('what routing decided is decided again when a table has changed since', async () => {
  const submission = await queue.submission(['bob@local.example']);
  const recipients = submission.recipients.map((recipient) => ({ ...recipient, revision: 1 }));
  queue.revision = 2;
  queue.local.delete('local.example');
  queue.remote.answer = () => later;
  await queue.queue.submit({ ...submission, recipients });
  await queue.scheduler.whenIdle();
  expect(queue.queued()[0]?.recipients[0]?.transport).toBe('smtp');
});

test('a recipient that has no delivery at all is bounced, not lost', async () => {
  const submission = await queue.submission(['ann@local.example']);
  const recipients = submission.recipients.map((recipient) => ({ ...recipient, deliveries: [] }));
  await queue.queue.submit({ ...submission, sender: 'ann@local.example', recipients });
  await queue.scheduler.whenIdle();
  expect((await queue.inbox(1))[0]).toContain('<ann@local.example>: User unknown');
});

test('a message that is handed in again after a crash is taken once', async () => {
  const submission = { ...(await queue.submission(['ann@local.example', 'bob@far.example'])), once: 'maildrop/1' };
  await queue.queue.submit(submission);
  await queue.restart();
  await queue.queue.submit(submission);
  await queue.scheduler.whenIdle();
  expect(await queue.inbox(1)).toHaveLength(1);
  expect(queue.remote.requests).toHaveLength(1);
});

describe('reports of success', () => {
  test('for a local mailbox come with the delivery', async () => {
    const id = await queue.send(['ann@local.example'], { sender: 'ann@local.example', notify: 'SUCCESS' });
    const inbox = await queue.inbox(1);
    expect(inbox).toHaveLength(2);
    expect(inbox[1]).toContain('Action: delivered');
    expect(inbox[1]).toContain('<ann@local.example>: delivery via mailstore: delivered to mailbox');
    expect(queue.logged(`${id}: sender delivery status notification`)).toHaveLength(1);
  });

  test('say `relayed` for a server that reports nothing itself, and nothing for one that does', async () => {
    queue.remote.answer = (recipient) => ({ ...sent, relayed: recipient.startsWith('old') });
    await queue.send(['old@far.example', 'new@far.example'], { sender: 'ann@local.example', notify: 'SUCCESS' });
    const [only, ...others] = await queue.inbox(1);
    expect(others).toEqual([]);
    expect(only).toContain('Final-Recipient: rfc822; old@far.example');
    expect(only).toContain('Action: relayed');
    expect(only).not.toContain('new@far.example');
  });

  test('and of failure are not sent where NOTIFY=NEVER', async () => {
    queue.mailboxes.set('full@local.example', { id: 2, quotaBytes: 10 });
    await queue.send(['full@local.example', 'ann@local.example'], { sender: 'ann@local.example', notify: 'NEVER' });
    const inbox = await queue.inbox(1);
    expect(inbox).toHaveLength(1);
    expect(inbox[0]).not.toContain('multipart/report');
    expect(queue.queued()).toEqual([]);
  });

  test('are not needed where only full mailboxes would get the message: it is not accepted', async () => {
    queue.mailboxes.set('full@local.example', { id: 2, quotaBytes: 10 });
    await expect(queue.send(['full@local.example'], { sender: 'ann@local.example' })).rejects.toThrow(MailboxFullError);
    expect(await queue.inbox(1)).toEqual([]);
    expect(queue.queued()).toEqual([]);
  });
});

test('ten thousand queue ids are all different, in order, and of Postfix’s form', () => {
  const ids = Array.from({ length: 10_000 }, () => queue.queue.newQueueId());
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
  for (const id of ids)
    expect(id).toMatch(/^[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,12}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]+$/);
});

test('a decision that is made again brings its blind copies again, not twice', async () => {
  const withCopy = async (recipient: string) => [
    ...(await queue.route(recipient)),
    ...(await queue.route('watch@away.example')).map((delivery) => ({ ...delivery, isCopy: true as const })),
  ];
  queue.redecide = withCopy;
  const submission = await queue.submission(['ann@local.example', 'bob@away.example']);
  const recipients = [];
  for (const recipient of submission.recipients) {
    recipients.push({ ...recipient, deliveries: await withCopy(recipient.original), revision: 1 });
  }
  queue.revision = 2;
  await queue.queue.submit({ ...submission, recipients });
  await queue.scheduler.whenIdle();
  const reached = queue.remote.requests.flatMap((request) => request.recipients.map(({ recipient }) => recipient));
  expect(reached.toSorted()).toEqual(['bob@away.example', 'watch@away.example']);
  expect(await queue.inbox(1)).toHaveLength(1);
});

test('the sender is kept as rewriting makes it: bounces go there', async () => {
  queue.rewriteSender = (sender) => sender.replace('old@', 'ann@');
  await queue.send(['nobody@local.example'], { sender: 'old@local.example' });
  await queue.scheduler.whenIdle();
  expect((await queue.inbox(1))[0]).toContain('To: ann@local.example');
});
