// Guessing passwords by SMTP and IMAP: limits for addresses and accounts, the owner who is not locked out, lock-outs that
// are listed and lifted, and log lines that fail2ban's stock filters find.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DefendedServer, noClients, run } from './defended-server.ts';

// Skipped where the clients (scripts/install-test-servers) are not there; CI counts a skip as a failure.
describe.skipIf(noClients !== undefined)(`logins ${noClients ?? ''}`, () => {
  let server: DefendedServer;
  beforeAll(async () => {
    server = await DefendedServer.start({ posthaste_auth_address_limit: '4', posthaste_auth_account_limit: '6' });
  }, 60_000);
  afterAll(() => server?.stop());

  test('an address that guesses is locked out of both protocols; others are not', async () => {
    const guesses = await Promise.all(
      [1, 2].map((index) => server.smtpLogin('127.1.1.1', 'anna@example.com', `no${index}`)),
    );
    expect(guesses.map(({ text }) => /<\*\* (\d{3} \S+)/.exec(text)?.[1])).toEqual(['535 5.7.8', '535 5.7.8']);
    const more = await Promise.all(
      [1, 2].map((index) => server.imapLogin('127.1.1.1', 'bob@example.com', `no${index}`)),
    );
    expect(more.map(({ text }) => /< \S+ (NO \[\w+\])/.exec(text)?.[1])).toEqual(
      Array.from({ length: 2 }, () => 'NO [AUTHENTICATIONFAILED]'),
    );
    expect((await server.smtpLogin('127.1.1.1', 'anna@example.com', 'right')).text).toContain(
      '454 4.7.0 Temporary authentication failure: too many failed logins, try again later',
    );
    expect((await server.imapLogin('127.1.1.1', 'anna@example.com', 'right')).text).toContain(
      'NO [UNAVAILABLE] Too many failed logins, try again later.',
    );
    expect((await server.imapLogin('127.1.1.2', 'anna@example.com', 'right')).status).toBe(0);
    expect((await server.smtpLogin('127.1.1.2', 'anna@example.com', 'right')).text).toContain('235 2.7.0');
  }, 60_000);

  test('an account that is guessed from everywhere is open to its owner where that has logged in before', async () => {
    for (let index = 0; index < 6; index++)
      await server.smtpLogin(`127.2.${index}.1`, 'anna@example.com', `no ${index}`);
    expect((await server.imapLogin('127.2.99.1', 'anna@example.com', 'right')).text).toContain('[UNAVAILABLE]');
    expect((await server.imapLogin('127.1.1.9', 'anna@example.com', 'right')).status).toBe(0);
    expect((await server.smtpLogin('127.1.1.9', 'anna@example.com', 'right')).text).toContain('235 2.7.0');
  }, 60_000);

  test('lock-outs are listed, survive a restart, and are lifted', async () => {
    const { text } = await server.posthaste('lockout', 'list');
    expect(text).toMatch(/^address +127\.1\.1\.1 /m);
    expect(text).toMatch(/^account +anna@example\.com /m);
    expect((await server.posthaste('status')).text).toContain('locked out     2: see posthaste lockout list');
    await server.process.stop();
    await server.process.start();
    expect((await server.imapLogin('127.2.99.1', 'anna@example.com', 'right')).text).toContain('[UNAVAILABLE]');
    expect(await server.posthaste('lockout', 'remove', 'anna@example.com')).toEqual({
      status: 0,
      text: '1 lockout removed\n',
    });
    expect((await server.imapLogin('127.2.99.1', 'anna@example.com', 'right')).status).toBe(0);
    expect(await server.posthaste('lockout', 'remove', 'anna@example.com')).toEqual({
      status: 1,
      text: expect.stringMatching(
        /^posthaste: there is no lockout of anna@example\.com: see bin\/posthaste -c \S+\/etc lockout list\n$/,
      ),
    });
    expect((await server.posthaste('lockout', 'remove')).status).toBe(2);
    expect((await server.posthaste('lockout', 'remove', '--all')).text).toBe('1 lockout removed\n');
    expect((await server.posthaste('lockout', 'list')).text).toContain('nobody is locked out');
  }, 60_000);

  // Skipped where fail2ban (scripts/install-test-servers) is not there; CI counts a skip as a failure.
  test.skipIf(!existsSync('/usr/bin/fail2ban-regex'))(
    "fail2ban's stock filters find guesses and attempts of who is locked out (package fail2ban)",
    async () => {
      const file = join(server.folder, 'maillog');
      const lines = server.process.logLines().filter((line) => !line.startsWith('----'));
      writeFileSync(file, `${lines.join('\n')}\n`);
      const found = async (filter: string): Promise<Set<string>> => {
        const { text } = await run('/usr/bin/fail2ban-regex', ['-o', 'ip', file, filter]);
        return new Set(text.trim().split('\n'));
      };
      const bySmtp = await found('/etc/fail2ban/filter.d/postfix.conf[mode=auth]');
      const guessers = ['127.1.1.1', ...[0, 1, 2, 3, 4, 5].map((index) => `127.2.${index}.1`)];
      expect([...bySmtp].sort()).toEqual(guessers);
      expect([...(await found('/etc/fail2ban/filter.d/dovecot.conf'))].sort()).toEqual(['127.1.1.1', '127.2.99.1']);
    },
  );

  test('the log tells of it, and holds no password', () => {
    const log = server.process.logLines().join('\n');
    expect(log).toMatch(
      /postfix\/auth\[\d+\]: warning: address 127\.1\.1\.1 is locked out for 900 seconds after 4 failed/,
    );
    expect(log).toContain('SASL PLAIN authentication failed: address 127.1.1.1 is locked out for');
    expect(log).not.toMatch(/no[12]|right/);
  });
});
