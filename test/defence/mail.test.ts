// What is put off or limited of mail itself: greylisting, maintenance of mailboxes and domains (V16), limits of users by
// the day, and the alarm.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DefendedServer, noClients } from './defended-server.ts';

const annaSends = ['--auth', 'PLAIN', '--auth-user', 'anna@example.com', '--auth-password', 'right'];
const bobSends = ['--auth', 'PLAIN', '--auth-user', 'bob@example.com', '--auth-password', 'right'];

// Skipped where the clients (scripts/install-test-servers) are not there; CI counts a skip as a failure.
describe.skipIf(noClients !== undefined)(`mail ${noClients ?? ''}`, () => {
  let server: DefendedServer;
  beforeAll(async () => {
    server = await DefendedServer.start({
      smtpd_restriction_classes: 'greylisted',
      greylisted: 'defer_greylisted',
      smtpd_recipient_restrictions: 'check_recipient_access inline:{ { dora@example.org = greylisted } }',
      posthaste_greylist_delay: '2s',
      posthaste_alarm_recipients: '8',
      posthaste_alarm_hold: 'yes',
    });
  }, 60_000);
  afterAll(() => server?.stop());

  const rcpt = async (from: string, to: string, ...args: string[]): Promise<string> => {
    const { text } = await server.swaks(from, '--to', to, '--quit-after', 'RCPT', ...args);
    return / -> RCPT TO[^\n]*\n<[-*~]+ +([^\n]*)/.exec(text)?.[1]?.trim() ?? text;
  };

  test('greylisting puts a new sender off, once, and never who has logged in or stands in mynetworks', async () => {
    expect(await rcpt('127.3.1.1', 'dora@example.org')).toBe(
      '450 4.2.0 <dora@example.org>: Recipient address rejected: Greylisted for 2 seconds',
    );
    expect(await rcpt('127.3.1.1', 'nobody@example.org')).toContain('550 5.1.1');
    expect(await rcpt('127.9.9.9', 'dora@example.org')).toBe('250 2.1.5 Ok');
    expect(await rcpt('127.3.1.1', 'dora@example.org', ...annaSends)).toBe('250 2.1.5 Ok');
    const explained = await server.posthaste('explain', '--client', '127.3.7.1', 'dora@example.org');
    expect(explained.text).toMatch(/greylist +put off for 2 seconds where all three are new together/);
    await sleep(2100);
    expect(await rcpt('127.3.1.2', 'dora@example.org')).toBe('250 2.1.5 Ok');
    expect(await rcpt('127.3.7.1', 'dora@example.org')).toContain('450 4.2.0');
    await server.process.stop();
    await server.process.start();
    expect(await rcpt('127.3.1.1', 'dora@example.org')).toBe('250 2.1.5 Ok');
  }, 60_000);

  test('mail for a mailbox in maintenance is put off with the reason; its owner still submits, and may not look in', async () => {
    const set = await server.posthaste('mailbox', 'set', 'carl@example.com', '--maintenance', 'being moved until noon');
    expect(set).toMatchObject({ status: 0 });
    const refusal = '450 4.2.1 <carl@example.com>: Recipient address rejected: In maintenance: being moved until noon';
    expect(await rcpt('127.4.1.1', 'carl@example.com')).toBe(refusal);
    const explained = await server.posthaste('--json', 'explain', 'carl@example.com');
    expect(JSON.parse(explained.text).reply).toMatchObject({ code: 450, status: '4.2.1' });
    const carl = ['--auth', 'PLAIN', '--auth-user', 'carl@example.com', '--auth-password', 'right'];
    expect((await server.swaks('127.4.1.2', '--to', 'x@far.test', ...carl)).status).toBe(0);
    expect((await server.imapLogin('127.4.1.2', 'carl@example.com', 'right')).text).toContain(
      'NO [UNAVAILABLE] Mailbox is in maintenance: being moved until noon',
    );
    expect((await server.imapLogin('127.4.1.2', 'carl@example.com', 'wrong')).text).toContain('[AUTHENTICATIONFAILED]');
    // A colleague's mail waits in the queue instead of failing in her mail program.
    expect((await server.swaks('127.4.1.3', '--to', 'carl@example.com', ...bobSends)).status).toBe(0);
    expect(await server.process.deliveryOutcome('carl@example.com')).toBe(
      'mailstore 4.2.1 deferred (mailbox is in maintenance: being moved until noon)',
    );
    expect((await server.posthaste('mailbox', 'list')).text).toMatch(/carl@example\.com .*maintenance/);
    await server.posthaste('mailbox', 'set', 'carl@example.com', '--no-maintenance');
    expect(await rcpt('127.4.1.1', 'carl@example.com')).toBe('250 2.1.5 Ok');
    await server.posthaste('queue', 'flush');
    for (let attempt = 0; attempt < 100; attempt++) {
      if ((await server.process.deliveryOutcome('carl@example.com')).includes('sent')) break;
      await sleep(50);
    }
    expect(await server.process.deliveryOutcome('carl@example.com')).toContain('sent (delivered to mailbox)');
    expect((await server.imapLogin('127.4.1.2', 'carl@example.com', 'right')).status).toBe(0);
  }, 60_000);

  test('so is mail for a whole domain', async () => {
    await server.posthaste('domain', 'set', 'example.com', '--maintenance', 'moving to a new server');
    const refusal = 'Recipient address rejected: In maintenance: moving to a new server';
    for (const name of ['anna', 'sales']) {
      expect(await rcpt('127.4.1.1', `${name}@example.com`)).toBe(`450 4.2.1 <${name}@example.com>: ${refusal}`);
    }
    expect(await rcpt('127.4.1.1', 'nobody@example.com')).toContain('550 5.1.1');
    expect((await server.posthaste('domain', 'show', 'example.com')).text).toContain('moving to a new server');
    await server.posthaste('domain', 'set', 'example.com', '--no-maintenance');
    expect(await rcpt('127.4.1.1', 'anna@example.com')).toBe('250 2.1.5 Ok');
  }, 60_000);

  test('a user may send so much a day', async () => {
    await server.posthaste('mailbox', 'set', 'anna@example.com', '--recipient-limit', '3', '--message-limit', '2');
    const three = 'a@far.test,b@far.test,c@far.test';
    expect((await server.swaks('127.5.1.1', '--to', `${three},d@far.test`, ...annaSends)).text).toContain(
      '450 4.7.1 Error: anna@example.com may send 3 recipients within 24 hours: try again later',
    );
    expect(await rcpt('127.5.1.1', 'x@far.test', ...annaSends)).toContain('450 4.7.1 Error');
    await server.posthaste('mailbox', 'set', 'anna@example.com', '--recipient-limit', 'unlimited');
    expect((await server.swaks('127.5.1.1', '--to', 'x@far.test', ...annaSends)).status).toBe(0);
    const third = await server.swaks('127.5.1.1', '--to', 'x@far.test', ...annaSends);
    expect(third.text).toContain('450 4.7.1 Error: anna@example.com may send 2 messages within 24 hours');
    expect((await server.posthaste('mailbox', 'show', 'anna@example.com')).text).toMatch(/message limit: +2 a day/);
  }, 60_000);

  test('a sudden jump raises the alarm and holds what follows', async () => {
    const many = Array.from({ length: 9 }, (_, index) => `r${index}@far.test`).join(',');
    expect((await server.swaks('127.6.1.1', '--to', many, ...bobSends)).status).toBe(0);
    expect((await server.swaks('127.6.1.1', '--to', 'held@far.test', ...bobSends)).status).toBe(0);
    expect((await server.posthaste('alarm', 'list')).text).toMatch(
      /^bob@example\.com .* 10 recipients within an hour/m,
    );
    expect((await server.posthaste('status')).text).toContain('alarm          bob@example.com: 10 recipients');
    expect((await server.posthaste('queue', 'list')).text).toContain('held@far.test');
    expect((await server.posthaste('alarm', 'remove', 'bob@example.com')).text).toBe('1 alarm removed\n');
    expect((await server.swaks('127.6.1.1', '--to', 'free@far.test', ...bobSends)).status).toBe(0);
    expect(await server.process.deliveryOutcome('free@far.test')).toContain('sent');
    expect(server.process.logLines().join('\n')).toContain(
      'warning: alarm: bob@example.com: 10 recipients within an hour',
    );
  }, 60_000);
});
