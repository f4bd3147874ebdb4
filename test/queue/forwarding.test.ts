// Mail that local delivery sends on: a new message, in one transaction with the end of the old recipient.

import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { Harness } from './harness.ts';

let queue: Harness;

beforeEach(async () => {
  queue = await Harness.open();
});
afterEach(() => queue.close());
afterAll(() => Harness.end());

const member = { original: 'list@list.example', notify: '', orcpt: '' };

test('members get the message once, with its way in front of it', async () => {
  queue.list.forwards = [
    {
      deliveredTo: 'list@list.example',
      recipients: [
        { address: 'ann@local.example', ...member },
        { address: 'ANN@local.example', ...member },
        { address: 'bob@away.example', ...member },
      ],
    },
  ];
  const id = await queue.send(['list@list.example']);
  await queue.scheduler.whenIdle();
  const [copy = '', ...others] = await queue.inbox(1);
  expect(others).toEqual([]);
  expect(copy).toMatch(
    /^Return-Path: <joe@away.example>\r\nX-Original-To: list@list.example\r\nDelivered-To: ann@local.example\r\nReceived: by mx.example.com \(Postfix\)\r\n\tid \w+; .*\r\nDelivered-To: list@list.example\r\n/,
  );
  expect(queue.remote.requests.map(({ recipients }) => recipients.map(({ recipient }) => recipient))).toEqual([
    ['bob@away.example'],
  ]);
  expect(queue.queued()).toEqual([]);
  expect(queue.log.lines.join('\n')).toMatch(
    new RegExp(`${id}: to=<list@list.example>, relay=local, .*status=sent \\(forwarded as \\w+\\)`),
  );
});

test('an owner stands in for the sender, and an unknown member is reported to the owner', async () => {
  const reset = { original: 'gone@list.example', notify: '', orcpt: '' };
  const destination = { transport: 'error', nexthop: '5.1.1 unknown user: "gone"' };
  queue.list.forwards = [
    { sender: 'ann@local.example', recipients: [{ address: 'gone@list.example', ...reset, destination }] },
  ];
  await queue.send(['list@list.example']);
  await queue.scheduler.whenIdle();
  const [notice = ''] = await queue.inbox(1);
  expect(notice).toContain('unknown user: "gone"');
  expect(queue.queued()).toEqual([]);
});

test('while a member cannot be routed nothing is sent, and nothing twice later', async () => {
  queue.list.forwards = [
    {
      recipients: [
        { address: 'bob@away.example', ...member },
        { address: 'ann@local.example', ...member },
      ],
    },
  ];
  const submission = await queue.submission(['list@list.example']);
  queue.isSilent = true;
  await queue.queue.submit(submission);
  await queue.scheduler.whenIdle();
  expect(queue.remote.requests).toEqual([]);
  expect(queue.queued()[0]?.recipients[0]).toMatchObject({ state: 'deferred', status: '4.3.0' });
  queue.isSilent = false;
  await queue.pass(300);
  expect(queue.remote.requests).toHaveLength(1);
  expect(await queue.inbox(1)).toHaveLength(1);
  expect(queue.queued()).toEqual([]);
});
