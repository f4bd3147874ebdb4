// The queue over the API: numbers, filters, pages, headers without bodies, and acts on all that match.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../harness/free-ports.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { ApiServer } from './api-server.ts';

let api: ApiServer;
let token: string;

beforeAll(async () => {
  const [nobody] = await findFreePorts(1);
  // Mail that leaves the host waits: nobody listens there.
  api = await ApiServer.start({ relayhost: `[127.0.0.1]:${nobody}`, mydestination: '' });
  await api.directory.administrators.add({ login: 'hanna', role: 'host' });
  token = await api.token('hanna');
  for (let number = 0; number < 6; number++) {
    await send(`s${number % 2}@sender.test`, [`a${number}@dead.test`, ...(number < 2 ? [`b${number}@slow.test`] : [])]);
  }
  await until(async () => (await ask('/queue/summary?fresh=true')).states.deferred === 6);
});
afterAll(async () => {
  await api.close();
});

async function send(sender: string, recipients: readonly string[]): Promise<void> {
  const smtp = await SmtpConnection.open(api.smtpPort);
  for (const line of ['EHLO client.test', `MAIL FROM:<${sender}>`, ...recipients.map((one) => `RCPT TO:<${one}>`)]) {
    expect((await smtp.command(line)).code).toBe(250);
  }
  await smtp.command('DATA');
  expect((await smtp.command('Subject: hello <script>\r\nX-Own: 1\r\n\r\nthe body\r\n.')).code).toBe(250);
  await smtp.command('QUIT');
}

async function ask(path: string) {
  const { status, body } = await api.ask('GET', path, { token });
  expect([path, status]).toEqual([path, 200]);
  return body;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !(await isSo()); ) {
    expect(Date.now()).toBeLessThan(end);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function apply(change: string, filter: object) {
  const started = await api.ask('POST', '/queue/apply', { token, body: { change, ...filter } });
  expect(started.status).toBe(200);
  let job = started.body;
  await until(async () => {
    job = await ask(`/queue/jobs/${job.job}`);
    return job.state !== 'running';
  });
  return job;
}

describe('the queue', () => {
  test('is counted by destination, reason and sender', async () => {
    const summary = await ask('/queue/summary');
    expect(summary).toMatchObject({ messages: 6, recipients: 8, isComplete: true, destinationCount: 2 });
    expect(
      summary.destinations.map(({ name, recipients }: { name: string; recipients: number }) => [name, recipients]),
    ).toEqual([
      ['dead.test', 6],
      ['slow.test', 2],
    ]);
    expect(summary.senders).toContainEqual({ name: 's0@sender.test', messages: 3 });
    const [reason] = summary.reasons;
    const found = await ask(`/queue?maxRecipients=5&reason=${encodeURIComponent(reason.name)}`);
    expect(found.items.length).toBeGreaterThan(0);
  });

  test('is given in pages, filtered, with the recipients that match', async () => {
    const ids: string[] = [];
    for (let after = ''; ; ) {
      const page = await ask(`/queue?destination=dead.test&maxRecipients=1&limit=4${after}`);
      ids.push(...page.items.map(({ id }: { id: string }) => id));
      if (page.next === undefined) break;
      after = `&after=${encodeURIComponent(page.next)}`;
    }
    expect(new Set(ids).size).toBe(6);
    const { items } = await ask('/queue?destination=slow.test&maxRecipients=1&sender=%3Cs0@sender.test%3E');
    expect(items).toMatchObject([
      { sender: 's0@sender.test', recipientCount: 2, state: 'deferred', recipients: [{ recipient: 'b0@slow.test' }] },
    ]);
  });

  test('shows the header of a message and nothing of its body', async () => {
    const { items } = await ask('/queue?limit=1');
    const { text, isCut } = await ask(`/queue/${items[0].id}/header`);
    expect(text).toContain('Subject: hello <script>');
    expect(text).toContain('X-Own: 1');
    expect(text).not.toContain('the body');
    expect(isCut).toBe(false);
    expect((await api.ask('GET', '/queue/none/header', { token })).status).toBe(404);
  });

  test('is acted on by filter: what matches, nothing else, and the real number is told', async () => {
    expect(await apply('hold', { destination: 'slow.test' })).toMatchObject({
      state: 'done',
      changed: 2,
      seen: 2,
      expected: 2,
    });
    expect((await ask('/queue/summary?fresh=true')).states).toMatchObject({ hold: 2, deferred: 4 });
    expect(await apply('release', { state: 'hold' })).toMatchObject({ changed: 2 });
    expect(await apply('requeue', { sender: 's1@' })).toMatchObject({ state: 'done', changed: 3 });
    expect(await apply('remove', { destination: 'nowhere.test' })).toMatchObject({ state: 'done', changed: 0 });
    expect(await apply('remove', { sender: '<s0@sender.test>' })).toMatchObject({ state: 'done', changed: 3 });
    expect(await ask('/queue/summary?fresh=true')).toMatchObject({ messages: 3 });
    const { items } = await ask('/queue/jobs');
    expect(items[0]).toMatchObject({ change: 'remove', actor: expect.stringContaining('api:hanna') });
    expect((await api.ask('POST', '/queue/jobs/none/stop', { token })).status).toBe(404);
  });

  test('goes back to senders by filter', async () => {
    expect(await apply('expire', { sender: 's1@' })).toMatchObject({ state: 'done', changed: 3 });
    await until(async () => (await ask('/queue/summary?fresh=true&sender=s1@')).messages === 0);
  });
});

test('the server says how it is, and how much mail there was', async () => {
  const { checks, faults } = await ask('/health');
  const states = Object.fromEntries(checks.map(({ check, state }: { check: string; state: string }) => [check, state]));
  expect(states).toMatchObject({ listeners: 'good', accounting: 'good', queue: 'good', clock: 'good', faults: 'good' });
  expect(faults).toEqual([]);
  const { totals, points, stepMilliseconds } = await ask('/statistics?range=1h');
  expect(totals.accepted).toBeGreaterThanOrEqual(6);
  expect(totals.deferred).toBeGreaterThanOrEqual(8);
  expect(totals.bounced).toBeGreaterThanOrEqual(3);
  expect(points).toHaveLength(60);
  expect(stepMilliseconds).toBe(60_000);
});
