// AUTH with smtpd_sasl_type = dovecot, judged by a real Dovecot's auth service: an installation of Postfix and Dovecot
// keeps its passwords and mechanisms. Runs where Dovecot is installed (Debian: dovecot-core) and we are root.

import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canRunDovecot, PrivateDovecot } from './imap-dialogs/private-dovecot.ts';
import { RawClient, startTestServer, type TestServer } from './smtp-dialogs/test-server.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const ok = '235 2.7.0 Authentication successful';

// Skipped where Dovecot (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!canRunDovecot())('logins that Dovecot judges (package dovecot-core)', () => {
  let dovecot: PrivateDovecot;
  const servers: TestServer[] = [];
  beforeAll(async () => {
    dovecot = await PrivateDovecot.start('plain login cram-md5 anonymous');
    for (let attempt = 0; attempt < 100 && !existsSync(dovecot.authSocket); attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }, 20_000);
  afterAll(async () => {
    for (const server of servers) await server.close();
    await dovecot.stop();
  });

  async function open(settings: Record<string, string> = {}): Promise<{ client: RawClient; server: TestServer }> {
    const server = await startTestServer({
      settings: { smtpd_sasl_type: 'dovecot', smtpd_sasl_path: dovecot.authSocket, ...settings },
    });
    servers.push(server);
    const client = await RawClient.open(server.port);
    await client.reply();
    return { client, server };
  }

  async function mechanisms(client: RawClient): Promise<string | undefined> {
    return (await client.command('EHLO c'))
      ?.split('|')
      .find((line) => /^250.AUTH /.test(line))
      ?.slice(9);
  }

  test('are offered the mechanisms that it has and that are allowed', async () => {
    const sorted = async (settings?: Record<string, string>): Promise<string[] | undefined> =>
      (await mechanisms((await open(settings)).client))?.split(' ').sort();
    expect(await sorted()).toEqual(['CRAM-MD5', 'LOGIN', 'PLAIN']);
    expect(await sorted({ smtpd_sasl_security_options: 'noplaintext, noanonymous' })).toEqual(['CRAM-MD5']);
    expect(await sorted({ smtpd_sasl_security_options: '' })).toContain('ANONYMOUS');
  });

  test('are right or wrong as it says, with every mechanism', async () => {
    const { client, server } = await open();
    await client.command('EHLO c');
    expect(await client.command(`AUTH PLAIN ${base64('\0joe\0wrong')}`)).toBe(
      '535 5.7.8 Error: authentication failed: (reason unavailable)',
    );
    expect(server.log.lines).toContainEqual(
      'postfix/smtpd: warning: client.example.org[127.0.0.1]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=joe',
    );
    expect(await client.command('AUTH FOO')).toContain(
      '535 5.7.8 Error: authentication failed: Invalid authentication',
    );
    expect(await client.command(`AUTH PLAIN ${base64('\0joe\0secret')}`)).toBe(ok);

    const login = (await open()).client;
    await login.command('EHLO c');
    expect(await login.command('AUTH LOGIN')).toBe('334 VXNlcm5hbWU6');
    expect(await login.command('*')).toBe('501 5.7.0 Authentication aborted');
    expect(await login.command('AUTH LOGIN')).toBe('334 VXNlcm5hbWU6');
    expect(await login.command(base64('ann'))).toBe('334 UGFzc3dvcmQ6');
    expect(await login.command(base64('secret'))).toBe(ok);

    const cram = (await open()).client;
    await cram.command('EHLO c');
    const challenge = Buffer.from((await cram.command('AUTH CRAM-MD5'))?.slice(4) ?? '', 'base64').toString();
    const digest = createHmac('md5', 'secret').update(challenge).digest('hex');
    expect(await cram.command(base64(`bob ${digest}`))).toBe(ok);
  }, 20_000);

  test('of many sessions at once do not get mixed up', async () => {
    const { server } = await open();
    const names = Array.from({ length: 20 }, (_, index) => `user${index}`);
    await Promise.all(
      names.map(async (name) => {
        const client = await RawClient.open(server.port);
        await client.reply();
        await client.command('EHLO c');
        expect(await client.command(`AUTH PLAIN ${base64(`\0${name}\0secret`)}`)).toBe(ok);
        await client.command(`MAIL FROM:<${name}@example.com>`);
        await client.command('RCPT TO:<ann@example.com>');
        client.destroy();
      }),
    );
    const logins = server.log.lines.flatMap((line) => /sasl_username=(\w+)$/.exec(line)?.[1] ?? []);
    expect(logins.sort()).toEqual(names.sort());
  });
});

test('an auth service that is not there is no wrong password', async () => {
  const server = await startTestServer({
    settings: { smtpd_sasl_type: 'dovecot', smtpd_sasl_path: '/nowhere/auth' },
  });
  const client = await RawClient.open(server.port);
  await client.reply();
  expect(await client.command('EHLO c')).not.toContain('AUTH');
  expect(server.log.lines).toContainEqual(
    "postfix/smtpd: warning: SASL: Connect to Dovecot auth socket '/nowhere/auth' failed: No such file or directory",
  );
  // Who tries all the same, as one that was told of AUTH before, comes back later.
  expect(await client.command(`AUTH PLAIN ${base64('\0joe\0secret')}`)).toContain('454 4.7.0 Temporary');
  client.destroy();
  await server.close();
});
