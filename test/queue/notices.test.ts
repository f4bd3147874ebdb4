// Notices beyond the sender's: the postmaster's copies, aliases' expansions, VERP, delays that are over, own templates.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Harness, later, never, sent } from './harness.ts';

let queue: Harness;
beforeEach(async () => {
  queue = await Harness.open({ delayWarningSeconds: 3600, lifetimeSeconds: 86_400 });
  queue.mailboxes.set('postmaster@local.example', { id: 2, quotaBytes: 0 });
});
afterEach(() => queue.close());
afterAll(() => Harness.end());

/** Where the newest notices went that are still queued. */
const queuedTo = () => queue.queued().map(({ sender, recipients }) => [sender, recipients[0]?.recipient]);

describe('notify_classes', () => {
  test('bounce: the postmaster gets the header of what came back, without the text for people', async () => {
    queue.settings['notify_classes'] = 'bounce';
    queue.remote.answer = () => never;
    const id = await queue.send(['bob@far.example'], { sender: 'ann@local.example', notify: 'NEVER' });
    expect(await queue.inbox(1)).toEqual([]);
    const [copy = '', ...others] = await queue.inbox(2);
    expect(others).toEqual([]);
    expect(copy).toContain('Return-Path: <double-bounce@mx.example.com>');
    expect(copy).toContain('Subject: Postmaster Copy: Undelivered Mail\r\nTo: postmaster@local.example\r\n');
    expect(copy).toContain('Auto-Submitted: auto-generated');
    expect(copy).toContain('text/rfc822-headers');
    expect(copy).not.toContain('Body text');
    expect(copy).not.toContain('sorry');
    expect(queue.logged(`${id}: postmaster non-delivery notification: `)).toHaveLength(1);
  });

  test('2bounce: a notice that cannot be delivered goes to the postmaster, whole', async () => {
    queue.settings['notify_classes'] = '2bounce';
    queue.remote.answer = () => never;
    await queue.send(['bob@far.example'], { sender: '' });
    const [copy = ''] = await queue.inbox(2);
    expect(copy).toContain('X-Postfix-Sender: rfc822; MAILER-DAEMON@mx.example.com');
    expect(copy).toContain('Content-Type: message/rfc822');
    expect(copy).toContain('Body text');
  });

  test('what the postmaster cannot get is dropped: nothing goes round', async () => {
    queue.settings['notify_classes'] = 'bounce, 2bounce, delay';
    queue.remote.answer = () => never;
    const id = await queue.send(['bob@far.example'], { sender: 'double-bounce@mx.example.com' });
    expect(await queue.inbox(2)).toEqual([]);
    expect(queue.queued()).toEqual([]);
    expect(queue.logged(`${id}: undeliverable postmaster notification discarded`)).toHaveLength(1);
  });

  test('delay: one copy, once', async () => {
    queue.settings['notify_classes'] = 'delay';
    queue.remote.answer = () => later;
    await queue.send(['bob@far.example'], { sender: 'ann@local.example' });
    for (let hour = 0; hour < 3; hour++) await queue.pass(3600);
    const [copy = '', ...others] = await queue.inbox(2);
    expect(others).toEqual([]);
    expect(copy).toContain('Subject: Postmaster Warning: Delayed Mail');
    expect(copy).toContain('Will-Retry-Until: ');
    expect(await queue.inbox(1)).toHaveLength(1);
  });

  test('a copy that cannot be routed does not keep the sender waiting', async () => {
    queue.settings['notify_classes'] = 'bounce';
    queue.settings['bounce_notice_recipient'] = 'silent@broken.example';
    queue.remote.answer = () => never;
    await queue.send(['bob@far.example'], { sender: 'ann@local.example' });
    expect(await queue.inbox(1)).toHaveLength(1);
    expect(queue.logged('no postmaster notification')).toHaveLength(1);
    expect(queue.queued()).toEqual([]);
  });
});

describe('aliases and NOTIFY=SUCCESS', () => {
  test('the sender hears of the expansion at once, the members are asked for nothing', async () => {
    queue.mailboxes.set('sales@local.example', { id: 3, quotaBytes: 0 });
    queue.remote.answer = () => later;
    const id = await queue.send(['sales@alias.example', 'bob@far.example'], {
      sender: 'ann@local.example',
      notify: 'SUCCESS,FAILURE',
    });
    const [report = '', ...others] = await queue.inbox(1);
    expect(others).toEqual([]);
    expect(report).toContain('Final-Recipient: rfc822; sales@alias.example\r\n');
    expect(report).toContain('Action: expanded\r\nStatus: 2.0.0\r\nDiagnostic-Code: X-Postfix; alias expanded');
    expect(report).not.toContain('bob@far.example');
    expect(queue.logged(`${id}: sender delivery status notification: `)).toHaveLength(1);
    expect(queue.queued()[0]?.recipients.map(({ notify }) => notify)).toEqual(['SUCCESS,FAILURE']);
    expect(await queue.inbox(3)).toHaveLength(1);
  });

  test('who asked for nothing else is never told of the members', async () => {
    queue.remote.answer = () => never;
    queue.redecide = async (recipient) => [
      { recipient: 'x@far.example', original: recipient, transport: 'smtp', nexthop: 'far.example' },
    ];
    const submission = await queue.submission(['list@alias.example'], {
      sender: 'ann@local.example',
      notify: 'SUCCESS',
    });
    const [recipient] = submission.recipients;
    if (!recipient) throw new Error('no recipient');
    const deliveries = await queue.redecide('list@alias.example');
    await queue.queue.submit({ ...submission, recipients: [{ ...recipient, deliveries }] });
    await queue.scheduler.whenIdle();
    expect(queue.remote.requests[0]?.recipients[0]?.notify).toBe('NEVER');
    expect((await queue.inbox(1)).map((text) => /Action: (\w+)/.exec(text)?.[1])).toEqual(['expanded']);
  });
});

describe('VERP', () => {
  test('each recipient has a delivery and a sender of its own, and a bounce tells which', async () => {
    queue.remote.answer = () => later;
    await queue.send(['bob@far.example', 'eve@far.example', 'ann@local.example'], {
      sender: 'list@away.example',
      verp: '+=',
    });
    expect(queue.remote.requests.map(({ message, recipients }) => [message.sender, recipients.length])).toEqual([
      ['list+bob=far.example@away.example', 1],
      ['list+eve=far.example@away.example', 1],
    ]);
    expect((await queue.inbox(1))[0]).toContain('Return-Path: <list+ann=local.example@away.example>');
    queue.remote.answer = (recipient) => (recipient.startsWith('list+') ? later : never);
    await queue.restart();
    await queue.pass(300);
    expect(queuedTo()).toEqual([
      ['', 'list+bob=far.example@away.example'],
      ['', 'list+eve=far.example@away.example'],
    ]);
  });

  test('many bounces are recorded in pieces, each whole', async () => {
    queue.remote.answer = (recipient) => (recipient.startsWith('list+') ? later : never);
    const recipients = Array.from({ length: 50 }, (_, number) => `u${number}@far.example`);
    await queue.send(recipients, { sender: 'list@away.example', verp: '+=' });
    const expected = recipients.map((address) => `list+${address.replace('@', '=')}@away.example`);
    expect(new Set(queuedTo().map(([, to]) => to))).toEqual(new Set(expected));
  });

  test('disable_verp_bounces: one notice for the plain sender', async () => {
    queue.settings['disable_verp_bounces'] = 'yes';
    queue.remote.answer = (recipient) => (recipient.startsWith('list') ? later : never);
    await queue.send(['bob@far.example', 'eve@far.example'], { sender: 'list@away.example', verp: '+=' });
    expect(queuedTo()).toEqual([['', 'list@away.example']]);
  });
});

test('confirm_delay_cleared: who was warned hears that it is over', async () => {
  queue.settings['confirm_delay_cleared'] = 'yes';
  queue.remote.answer = () => later;
  await queue.send(['bob@far.example'], { sender: 'ann@local.example' });
  for (let hour = 0; hour < 2; hour++) await queue.pass(3600);
  queue.remote.answer = () => sent;
  await queue.pass(86_400 / 2);
  expect((await queue.inbox(1)).map((text) => /Subject: (.*)\r/.exec(text)?.[1])).toEqual([
    'Delayed Mail (still being retried)',
    'Successful Mail Delivery Report',
  ]);
});

test('enable_threaded_bounces: a notice stands in the thread of its message', async () => {
  queue.settings['enable_threaded_bounces'] = 'yes';
  queue.remote.answer = () => never;
  const body = 'From: a@b.example\r\nMessage-ID:\r\n <1@b.example>\r\n\r\ntext\r\n';
  await queue.send(['bob@far.example'], { sender: 'ann@local.example', body });
  expect((await queue.inbox(1))[0]).toContain(
    'To: ann@local.example\r\nReferences: <1@b.example>\r\nIn-Reply-To: <1@b.example>\r\nAuto-Submitted:',
  );
});

test('bounce_template_file: own words, in their own charset', async () => {
  const file = join(queue.folder, 'bounce.cf');
  const text = 'Gr\xfc\xdfe von $myhostname, $$5, ${delay_warning_time_minutes} min\n';
  const header = 'Charset: iso-8859-1\nFrom: MAILER-DAEMON (Post)\nSubject: Zur\xfcck\n'.replace('\xfc', 'ue');
  writeFileSync(file, `# own\nfailure_template = <<END\n${header}\n${text}END\n`, 'latin1');
  queue.settings['bounce_template_file'] = file;
  queue.settings['delay_warning_time'] = '2h';
  queue.remote.answer = () => never;
  await queue.send(['bob@far.example'], { sender: 'ann@local.example' });
  const [notice = ''] = await queue.inbox(1);
  expect(notice).toContain('From: MAILER-DAEMON@mx.example.com (Post)\r\nSubject: Zurueck\r\n');
  expect(notice).toContain('Content-Type: text/plain; charset=iso-8859-1\r\n');
  expect(notice).toContain('von mx.example.com, $5, 120 min\r\n');
});
