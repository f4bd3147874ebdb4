// posthaste trace on a running server: what an administrator sees of mail that came, went, was put off and was refused.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Story } from '../../src/trace/story.ts';
import { ObservedServer } from './observed-server.ts';

let server: ObservedServer;
beforeAll(async () => {
  server = await ObservedServer.start();
});
afterAll(() => server.stop());

function stories(...args: readonly string[]): Story[] {
  const { status, stdout, stderr } = server.command('--json', 'trace', ...args);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Story);
}

test('a message to an alias: from its connection into the mailbox', async () => {
  await server.send('x@example.net', ['sales@example.com', 'nobody@example.com'], 'one@example.net');
  const [story, ...others] = stories('one@example.net');
  expect(others).toEqual([]);
  expect(story).toMatchObject({
    client: expect.stringContaining('[127.0.0.1]'),
    sender: 'x@example.net',
    messageId: '<one@example.net>',
    isDone: true,
    recipients: [
      { recipient: 'nobody@example.com', state: 'refused', status: '5.1.1' },
      { recipient: 'anna@example.com', original: 'sales@example.com', state: 'delivered', relay: 'mailstore' },
    ],
  });
  const steps = story?.events.map(
    ({ program, text }) => `${program.replace('postfix/', '')} ${text.replace(/^\w+: /, '')}`,
  );
  expect(steps?.map((step) => step.split(/[ =]/).slice(0, 2).join(' '))).toEqual([
    'smtpd connect',
    'smtpd client',
    'smtpd reject:',
    'cleanup message-id',
    'cleanup subject',
    'qmgr from',
    'mailstore to',
    'qmgr removed',
    'smtpd disconnect',
  ]);
  // Original and final recipient, sender, queue id: all lead to it.
  for (const word of [
    'sales@example.com',
    'anna@example.com',
    'x@example.net',
    'nobody@example.com',
    story?.queueId ?? '',
  ]) {
    expect(
      stories(word).map(({ queueId }) => queueId),
      word,
    ).toContain(story?.queueId);
  }
});

test('mail that bounces leads to its notice, and back', async () => {
  await server.send('bob@example.com', ['bad@relay.test'], 'two@example.com');
  await server.logged('sender non-delivery notification');
  const [story] = stories('two@example.com');
  expect(story?.recipients).toMatchObject([
    { recipient: 'bad@relay.test', state: 'bounced', status: '5.1.1', attempts: 1 },
  ]);
  const [link] = story?.links ?? [];
  expect(link).toMatchObject({ kind: 'notice' });
  const notice = stories(link?.queueId ?? '').find(({ queueId }) => queueId === link?.queueId);
  expect(notice).toMatchObject({ sender: '', links: [{ kind: 'notice-about', queueId: story?.queueId }] });
  expect(notice?.recipients).toMatchObject([{ recipient: 'bob@example.com', state: 'delivered' }]);
  const { stdout } = server.command('trace', story?.queueId ?? '');
  expect(stdout).toMatch(/^ {2}see also: +the notice about it, \w+$/m);
});

test('mail that waits is told so, with each attempt', async () => {
  await server.send('bob@example.com', ['late@dead.test'], 'three@example.com');
  await server.logged('to=<late@dead.test>');
  server.command('queue', 'flush');
  while (server.process.logLines().filter((line) => line.includes('to=<late@dead.test>')).length < 2) await sleep(20);
  const { status, stdout } = server.command('trace', 'late@dead.test');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ {2}deferred: +late@dead\.test .*, 2 attempts: 4\.4\.1 connect to 127\.0\.0\.1/m);
  expect(stdout).toContain('in the queue, as far as is known here');
});

test('refused mail without a queue id', async () => {
  await server.send('spam@example.net', ['elsewhere@example.com']);
  const [story] = stories('spam@example.net');
  expect(story).toMatchObject({
    queueId: null,
    sender: 'spam@example.net',
    recipients: [{ recipient: 'elsewhere@example.com', state: 'refused' }],
  });
  expect(story?.events.map(({ text }) => text.split(' ')[0])).toEqual(['connect', 'NOQUEUE:', 'disconnect']);
});

test('what is not known, and mistakes', () => {
  expect(server.command('trace', 'nosuch@example.com')).toMatchObject({
    status: 1,
    stderr: 'posthaste: nothing is known of nosuch@example.com in the last 14 days\n',
  });
  expect(server.command('trace', 'x@example.net', '--since', 'yesterday').status).toBe(2);
  expect(server.command('trace', 'x@example.net', '--limit', '0').status).toBe(2);
  expect(server.command('trace', 'sales@example.com', '--since', '2001-01-01', '--limit', '1').status).toBe(0);
});

test('after kill -9 all but the last second is there, and what comes then too', { timeout: 30_000 }, async () => {
  await server.send('x@example.net', ['anna@example.com'], 'four@example.net');
  await sleep(1300);
  await server.process.kill();
  expect(stories('four@example.net')[0]?.isDone).toBe(true);
  await server.process.start();
  await server.send('x@example.net', ['anna@example.com'], 'five@example.net');
  expect(stories('five@example.net')).toHaveLength(1);
  expect(stories('four@example.net')).toHaveLength(1);
  expect(stories('one@example.net')).toHaveLength(1);
});

// Skipped where swaks (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!existsSync('/usr/bin/swaks'))('with swaks (package swaks)', () => {
  test('a message as swaks sends it', () => {
    const args = ['--server', `127.0.0.1:${server.process.smtpPort}`, '--from', 'swaks@example.net'];
    spawnSync('swaks', [...args, '--to', 'bob@example.com', '--header', 'Message-Id: <six@example.net>']);
    expect(stories('<six@example.net>')).toMatchObject([{ sender: 'swaks@example.net', isDone: true }]);
  });
});
