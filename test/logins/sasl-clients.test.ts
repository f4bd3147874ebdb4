// Real programs log in to a real server by SMTP and IMAP, each with the mechanisms it knows: gsasl (SCRAM with channel
// binding), msmtp, swaks, curl, mutt (GNU SASL) and mbsync (Cyrus SASL).

import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-scheme.ts';
import { Directory } from '../../src/directory/directory.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';

const main = fileURLToPath(new URL('../../src/main/main.ts', import.meta.url));
const programs = ['gsasl', 'msmtp', 'swaks', 'curl', 'mutt', 'mbsync', 'script', 'openssl'];
const missing = programs.filter((program) => !existsSync(`/usr/bin/${program}`));
const login = 'anna@example.com';
const password = 'geheim';
const token = 'a-token.that-is_good';

interface Ran {
  readonly status: number;
  readonly output: string;
}

function run(program: string, args: readonly string[], input = '', home = '/nonexistent'): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { PATH: '/usr/bin:/bin', HOME: home, TERM: 'vt100', LANG: 'C.UTF-8' };
    const child = execFile(program, args, { env, timeout: 20_000 }, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode ?? -1, output: stdout + stderr });
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

// Skipped where the programs (scripts/install-test-servers) are not there; CI installs them and counts a skip as a failure.
describe.skipIf(missing.length > 0)('clients of SASL (packages gsasl, msmtp, swaks, curl, mutt, isync)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sasl-clients-'));
  const mails = join(folder, 'Mail');
  const certificate = join(folder, 'certificate.pem');
  let server: PosthasteProcess;
  let tokens: Server;
  let appPassword = '';

  /** Posthaste's own command line, as an administrator types it; gives what it printed. */
  async function posthaste(...args: string[]): Promise<string> {
    const { status, output } = await run(process.execPath, [main, '-c', server.configFolder, ...args]);
    expect(status, output).toBe(0);
    return output;
  }

  beforeAll(async () => {
    tokens = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const active = new URLSearchParams(body).get('token') === token;
        response.end(JSON.stringify({ active, email: login }));
      });
    });
    await new Promise<void>((resolve) => tokens.listen(0, '127.0.0.1', resolve));
    server = await PosthasteProcess.create({
      folder,
      settings: {
        mynetworks: '127.0.0.9',
        smtpd_sasl_auth_enable: 'yes',
        smtpd_sasl_type: 'directory',
        smtpd_tls_security_level: 'may',
        smtpd_tls_auth_only: 'yes',
        smtpd_relay_restrictions: 'permit_sasl_authenticated, reject_unauth_destination',
        posthaste_auth_failure_delay: '0',
        posthaste_disable_plaintext_auth: 'no',
        posthaste_sasl_mechanisms:
          'plain login scram-sha-256-plus scram-sha-256 scram-sha-1-plus scram-sha-1 oauthbearer xoauth2 cram-md5',
        posthaste_oauth_introspection_url: `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/`,
      },
    });
    await posthaste('domain', 'add', 'example.com');
    const directory = await Directory.open(join(server.dataFolder, 'directory.db'), { clock: systemClock, actor: 't' });
    await directory.mailboxes.add({ address: login, passwordHash: await hashPassword(password) });
    directory.close();
    const limits = '--recoverable --protocol smtp --sender scanner@example.com';
    const made = await posthaste(...`--json app-password add ${login} scanner ${limits}`.split(' '));
    appPassword = (JSON.parse(made) as { password: string }).password;
    await server.start();
    execFileSync('openssl', ['x509', '-in', join(server.dataFolder, 'tls/self-signed.pem'), '-out', certificate]);
    mkdirSync(mails);
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    tokens.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const gsasl = (mechanism: string, more: readonly string[] = [], secret = password): Promise<Ran> => {
    const isImap = more.includes('--imap');
    const where = `127.0.0.1:${isImap ? server.imapPort : server.smtpPort}`;
    const who = ['-a', login, '-p', secret, '-m', mechanism];
    return run('gsasl', [
      isImap ? '--imap' : '--smtp',
      '--connect',
      where,
      '--starttls',
      '--x509-ca-file=',
      ...who,
      ...more.filter((word) => word !== '--imap'),
    ]);
  };
  /** The log is written a little later than the client hears. */
  const logged = (what: string | RegExp): Promise<void> =>
    expect.poll(() => server.logTail(20), { timeout: 5_000 }).toMatch(what);
  const trusted = 'Client authentication finished (server trusted)';

  test('SCRAM needs a first login that shows the password, and the log says so', async () => {
    expect((await gsasl('SCRAM-SHA-256-PLUS')).output).toContain('535 5.7.8 Error: authentication failed');
    await logged(
      'SASL SCRAM-SHA-256-PLUS authentication failed: password mismatch, or no SCRAM-SHA-256 keys of the password yet: log in once with PLAIN, or set the password, sasl_username=anna@example.com',
    );
    expect((await gsasl('PLAIN')).output).toContain(trusted);
    // The keys are written a second later.
    await expect
      .poll(async () => (await gsasl('SCRAM-SHA-256-PLUS')).output, { timeout: 15_000, interval: 500 })
      .toContain(trusted);
  }, 40_000);

  test('gsasl: every mechanism, over SMTP and IMAP, bound to TLS 1.3 and to TLS 1.2', async () => {
    for (const mechanism of ['PLAIN', 'LOGIN', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS']) {
      for (const more of [[], ['--imap']]) expect((await gsasl(mechanism, more)).output, mechanism).toContain(trusted);
    }
    for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256']) {
      expect((await gsasl(mechanism, ['--no-cb'])).output, mechanism).toContain(trusted);
    }
    const tls12 = ['--priority', 'NORMAL:-VERS-TLS1.3'];
    expect((await gsasl('SCRAM-SHA-256-PLUS', tls12)).output).toContain(trusted);
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256-PLUS']) {
      expect((await gsasl(mechanism, [], 'wrong')).output).toContain('535 5.7.8 Error: authentication failed');
    }
  }, 60_000);

  const msmtp = (method: string, secret: string, from = login): Promise<Ran> =>
    run(
      'msmtp',
      `--host=127.0.0.1 --port=${server.smtpPort} --tls=on --tls-certcheck=off --auth=${method} --user=${login} --from=${from}`
        .split(' ')
        .concat(`--passwordeval=echo ${secret}`, login),
      'Subject: hello\n\nhello\n',
    );

  test('msmtp: passwords, SCRAM and tokens', async () => {
    for (const method of ['plain', 'login', 'scram-sha-1', 'scram-sha-256']) {
      expect(await msmtp(method, password), method).toEqual({ status: 0, output: '' });
    }
    for (const method of ['oauthbearer', 'xoauth2']) {
      expect(await msmtp(method, token), method).toEqual({ status: 0, output: '' });
      expect((await msmtp(method, 'another-token')).output, method).toContain('authentication failed');
    }
    const received = server.logLines().filter((line) => line.includes('sasl_method=SCRAM-SHA-256'));
    expect(received.join()).toContain('sasl_method=SCRAM-SHA-256, sasl_username=anna@example.com');
  }, 40_000);

  test('swaks and msmtp: CRAM-MD5 with an app password, which sends as it is limited to', async () => {
    const swaks = async (method: string, secret: string): Promise<string> =>
      (
        await run(
          'swaks',
          `--server 127.0.0.1:${server.smtpPort} -tls --auth ${method} --auth-user ${login} --auth-password ${secret} --from scanner@example.com --to ${login} --quit-after rcpt`.split(
            ' ',
          ),
        )
      ).output;
    for (const method of ['PLAIN', 'LOGIN', 'CRAM-MD5']) {
      const output = await swaks(method, appPassword);
      expect(output, method).toContain('235 2.7.0 Authentication successful');
      expect(output, method).toContain('250 2.1.0 Ok');
    }
    expect(await swaks('CRAM-MD5', 'wrong')).toContain('535 5.7.8');
    expect((await msmtp('cram-md5', appPassword, 'scanner@example.com')).status).toBe(0);
    expect((await msmtp('cram-md5', appPassword)).output).toContain(
      '553 5.7.1 <anna@example.com>: Sender address rejected: not owned by user anna@example.com',
    );
    expect((await gsasl('PLAIN', ['--imap'], appPassword)).output).toContain('NO [AUTHENTICATIONFAILED]');
    await logged(/auth: Info: PLAIN\(anna@example\.com,127\.0\.0\.1,<.*>\): app password "scanner" is not for imap/);
  }, 40_000);

  test('an app password shows its last use, and opens nothing once it is removed', async () => {
    await expect
      .poll(() => posthaste('app-password', 'show', login, 'scanner'), { timeout: 15_000, interval: 500 })
      .toMatch(/last use: +20\d\d-.* smtp from 127\.0\.0\.1/);
    await posthaste('app-password', 'remove', login, 'scanner');
    expect((await gsasl('PLAIN', [], appPassword)).output).toContain('535 5.7.8');
    expect((await gsasl('SCRAM-SHA-256-PLUS', [], appPassword)).output).toContain('535 5.7.8');
  }, 40_000);

  test('curl: IMAP and SMTP with passwords and tokens', async () => {
    const curl = (args: readonly string[], path = '/INBOX'): Promise<Ran> =>
      run('curl', ['-sS', '-k', '--ssl-reqd', ...args, `imap://127.0.0.1:${server.imapPort}${path}`, '-X', 'NOOP']);
    for (const method of ['PLAIN', 'LOGIN']) {
      const done = await curl(['--login-options', `AUTH=${method}`, '-u', `${login}:${password}`]);
      expect(done, method).toMatchObject({ status: 0 });
    }
    for (const method of ['OAUTHBEARER', 'XOAUTH2']) {
      const bearer = ['--login-options', `AUTH=${method}`, '-u', login, '--oauth2-bearer'];
      expect(await curl([...bearer, token]), method).toMatchObject({ status: 0 });
      expect(await curl([...bearer, 'another-token']), method).toMatchObject({ status: 67 });
    }
  }, 40_000);

  test('mbsync (Cyrus SASL) and mutt (GNU SASL): SCRAM over IMAP', async () => {
    writeFileSync(
      join(folder, 'mbsyncrc'),
      `IMAPAccount a\nHost 127.0.0.1\nPort ${server.imapPort}\nUser ${login}\nPass ${password}\nSSLType STARTTLS\n` +
        `CertificateFile ${certificate}\nAuthMechs SCRAM-SHA-256\n\nIMAPStore far\nAccount a\n\n` +
        `MaildirStore near\nPath ${mails}/\nInbox ${mails}/INBOX\n\nChannel c\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\n`,
    );
    expect(await run('mbsync', ['-c', join(folder, 'mbsyncrc'), 'c'], '', folder)).toMatchObject({ status: 0 });
    writeFileSync(
      join(folder, 'muttrc'),
      `set imap_user="${login}"\nset imap_pass="${password}"\nset ssl_force_tls=yes\nset ssl_verify_host=no\n` +
        `set certificate_file=${certificate}\nset imap_authenticators="scram-sha-1"\nset quit=yes\n` +
        `set folder=imap://127.0.0.1:${server.imapPort}/\nset spoolfile=imap://127.0.0.1:${server.imapPort}/INBOX\n`,
    );
    await run('script', ['-qc', `mutt -F ${join(folder, 'muttrc')} -e 'push q'`, '/dev/null'], '', folder);
    const logins = server.logLines().filter((line) => line.includes('imap-login: Info: Login'));
    for (const method of ['SCRAM-SHA-256,', 'SCRAM-SHA-1,']) expect(logins.join('\n')).toContain(`method=${method}`);
  }, 40_000);

  test('nothing readable is offered where it could be read', async () => {
    const connection = await SmtpConnection.open(server.smtpPort);
    expect((await connection.command('EHLO c')).text).not.toContain('AUTH');
    expect((await connection.command('AUTH PLAIN')).code).toBe(504);
    await connection.quit();
  });
});
