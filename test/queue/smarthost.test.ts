// A relayhost with TLS policy and login on a real server, as SASL_README and TLS_README set it up: tables in files, a
// password that changes, and nothing of it in log or data.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { Certificates, hasOpenssl } from './certificates.ts';
import { login, TlsServer } from './tls-server.ts';

// Skipped where openssl (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!hasOpenssl)('mail through a smarthost', () => {
  const wrongPassword = 'not-the-password';
  let certificates: Certificates;
  let smarthost: TlsServer;
  let server: PosthasteProcess;
  let folder: string;
  let relayhost: string;

  beforeAll(async () => {
    certificates = new Certificates();
    const pem = certificates.pem('good');
    smarthost = new TlsServer({
      context: createSecureContext({ key: pem, cert: pem }),
      mechanisms: 'PLAIN LOGIN',
      authNeedsTls: true,
    });
    relayhost = `[127.0.0.1]:${await smarthost.listen()}`;
    folder = mkdtempSync(join(tmpdir(), 'smarthost-'));
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'policy'), `${relayhost} secure match=localhost\n[127.0.0.1]:27 dane-only\n`);
    writeFileSync(join(folder, 'passwords'), `${relayhost} ${login.login}:${wrongPassword}\n`, { mode: 0o600 });
    server = await PosthasteProcess.create({
      folder,
      services: 'other unix - - n - - smtp -o smtp_tls_security_level=dane\n',
      settings: {
        relayhost,
        transport_maps: `inline:{{dane.test = smtp:[127.0.0.1]:27}, {wait.test = other:[127.0.0.1]:26}}`,
        smtp_tls_CAfile: certificates.path('ca'),
        smtp_tls_policy_maps: `texthash:${folder}/policy`,
        smtp_tls_loglevel: '1',
        smtp_sasl_auth_enable: 'yes',
        smtp_sasl_password_maps: `texthash:${folder}/passwords`,
        smtp_sasl_tls_security_options: 'noanonymous',
      },
    });
    await server.start();
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    await smarthost.close();
    rmSync(folder, { recursive: true, force: true });
    certificates.remove();
  }, 40_000);

  async function send(recipient: string): Promise<void> {
    const connection = await SmtpConnection.open(server.smtpPort);
    for (const line of [
      'EHLO c',
      'MAIL FROM:<joe@a.example>',
      `RCPT TO:<${recipient}>`,
      'DATA',
      'Subject: hi\r\n\r\nhi\r\n.',
      'QUIT',
    ])
      expect((await connection.command(line)).code).toBeLessThan(400);
  }

  test('waits where the login is refused, and goes when the table is right', async () => {
    await send('ann@b.example');
    expect(await server.deliveryOutcome('ann@b.example')).toBe(
      `127.0.0.1[127.0.0.1]:${relayhost.split(':')[1]} 4.7.8 deferred (SASL authentication failed; ` +
        'server 127.0.0.1[127.0.0.1] said: 535 5.7.8 Error: authentication failed)',
    );
    writeFileSync(join(folder, 'passwords'), `${relayhost} ${login.login}:${login.password}\n`);
    // Another recipient each time: the log tells the last one's outcome.
    let round = 0;
    await vi.waitFor(
      async () => {
        const recipient = `bob${round++}@c${round}.example`;
        await send(recipient);
        expect(await server.deliveryOutcome(recipient)).toContain('sent (250 2.0.0 Ok)');
      },
      { timeout: 15_000, interval: 200 },
    );
    expect(smarthost.seen).toContain('tls MAIL FROM:<joe@a.example>');
    expect(server.logLines().join('\n')).toMatch(
      /postfix\/smtp\[\d+\]: Verified TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:\d+: TLSv1\.3 with cipher/,
    );
  }, 40_000);

  test('waits at a level that is not there yet, and the start says so', async () => {
    expect(server.logLines().join('\n')).toMatch(
      /warning: .*master\.cf:\d+: other: smtp_tls_security_level = dane: TLS security level "dane" is not supported yet/,
    );
    const waits = /^none 4\.7\.5 deferred \(TLS security level "dane(-only)?" is not supported yet\)$/;
    await send('ann@dane.test');
    expect(await server.deliveryOutcome('ann@dane.test')).toMatch(waits);
    await send('ann@wait.test');
    expect(await server.deliveryOutcome('ann@wait.test')).toMatch(waits);
  }, 20_000);

  test('leaves no password in log or data', () => {
    const log = readFileSync(server.logFile, 'utf8');
    const encoded = Buffer.from(`\0${login.login}\0${wrongPassword}`).toString('base64');
    for (const secret of [wrongPassword, encoded, login.password]) {
      expect(log).not.toContain(secret);
      expect(spawnSync('grep', ['-rqF', secret, server.dataFolder]).status).toBe(1);
    }
  });
});
