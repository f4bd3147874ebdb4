// What docs/tls.md says that is offered, seen by programs that others wrote: posttls-finger, openssl s_client, swaks.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../harness/free-ports.ts';
import { PosthasteProcess } from '../harness/posthaste-process.ts';
import { Certificates, hasOpenssl } from '../queue/certificates.ts';

const hasPrograms = existsSync('/usr/sbin/posttls-finger') && existsSync('/usr/bin/swaks') && hasOpenssl;
const reason = hasPrograms ? undefined : 'needs openssl, swaks and posttls-finger (package postfix)';

// Skipped where the programs (scripts/install-test-servers) are not there; CI installs them and counts a skip as a failure.
describe.skipIf(reason !== undefined)(`what is offered${reason === undefined ? '' : ` (${reason})`}`, () => {
  let certificates: Certificates;
  let server: PosthasteProcess;
  let folder: string;
  let wrapped = 0;
  let narrow = 0;
  let imaps = 0;

  beforeAll(async () => {
    certificates = new Certificates();
    certificates.makeRsa('rsa');
    folder = mkdtempSync(join(tmpdir(), 'posthaste-offers-'));
    const [first = 0, second = 0, third = 0] = await findFreePorts(3);
    [wrapped, narrow, imaps] = [first, second, third];
    const only =
      'smtpd_tls_mandatory_protocols=>=TLSv1.3 -o tls_eecdh_auto_curves=prime256v1 -o smtpd_tls_wrappermode=yes';
    server = await PosthasteProcess.create({
      folder,
      settings: {
        smtpd_tls_security_level: 'may',
        smtpd_tls_loglevel: '1',
        smtpd_tls_chain_files: `${certificates.path('rsa')}, ${certificates.path('good')}`,
        smtpd_tls_CAfile: certificates.path('ca'),
        smtpd_tls_exclude_ciphers: 'kRSA',
        smtpd_peername_lookup: 'no',
        posthaste_imaps_listen: `127.0.0.1:${imaps}`,
      },
      services:
        `127.0.0.1:${wrapped} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_tls_ask_ccert=yes\n` +
        `127.0.0.1:${narrow} inet n - n - - smtpd -o ${only}\n`,
    });
    await server.start();
    writeFileSync(join(folder, 'main.cf'), 'compatibility_level = 3.6\n');
  }, 60_000);

  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
    certificates.remove();
  });

  function run(program: string, args: readonly string[], input = ''): Promise<string> {
    return new Promise((resolve) => {
      const options = { timeout: 20_000, env: { ...process.env, MAIL_CONFIG: folder } };
      const child = execFile(program, args, options, (_error, stdout, stderr) => resolve(stdout + stderr));
      // One that has ended already reads nothing.
      child.stdin?.on('error', () => undefined).end(input);
    });
  }

  const openssl = (port: number, ...args: string[]): Promise<string> =>
    run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', certificates.path('ca'), ...args]);

  async function logged(text: string): Promise<void> {
    for (let turn = 0; turn < 100 && !server.logTail(1000).includes(text); turn++) await sleep(20);
    expect(server.logTail(1000)).toContain(text);
  }

  test('posttls-finger verifies the certificate and the name', async () => {
    const target = [`[127.0.0.1]:${server.smtpPort}`, 'localhost'];
    const said = await run('posttls-finger', ['-c', '-l', 'secure', '-F', certificates.path('ca'), ...target]);
    expect(said).toMatch(
      /Verified TLS connection established to .*: TLSv1\.3 with cipher TLS_AES_256_GCM_SHA384 \(256\/256/,
    );
  });

  test.each([
    ['TLS 1.0', ['-tls1', '-cipher', 'ALL:@SECLEVEL=0'], /alert protocol version|no protocols/],
    ['TLS 1.1', ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'], /alert protocol version|no protocols/],
    ['anonymous ciphers', ['-tls1_2', '-cipher', 'aNULL:@SECLEVEL=0'], /handshake failure/],
    ['no encryption', ['-tls1_2', '-cipher', 'eNULL:@SECLEVEL=0'], /handshake failure/],
    ['key exchange without forward secrecy, which is excluded', ['-tls1_2', '-cipher', 'kRSA'], /handshake failure/],
    ['DHE', ['-tls1_2', '-cipher', 'kDHE:!aNULL'], /handshake failure/],
  ])('not %s', async (_what, args, message) => {
    expect(await openssl(wrapped, ...args)).toMatch(message);
  });

  test('TLS 1.2 with the certificate that the client can verify', async () => {
    const rsa = await openssl(wrapped, '-tls1_2', '-cipher', 'aRSA', '-brief');
    expect(rsa).toMatch(/Ciphersuite: ECDHE-RSA-AES256-GCM-SHA384[\s\S]*CN = rsa[\s\S]*Verification: OK/);
    const ec = await openssl(wrapped, '-tls1_2', '-brief');
    expect(ec).toMatch(/Ciphersuite: ECDHE-ECDSA-AES256-GCM-SHA384[\s\S]*CN = mx[\s\S]*Server Temp Key: X25519/);
  });

  test('ciphers of the client’s order, unless tls_preempt_cipherlist', async () => {
    const said = await openssl(
      wrapped,
      '-tls1_2',
      '-brief',
      '-cipher',
      'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384',
    );
    expect(said).toContain('Ciphersuite: ECDHE-ECDSA-AES128-GCM-SHA256');
    await logged('ECDHE-ECDSA-AES128-GCM-SHA256 (128/128 bits)');
  });

  test('no renegotiation', async () => {
    const said = await run('openssl', ['s_client', '-connect', `127.0.0.1:${wrapped}`, '-tls1_2'], 'R\n');
    expect(said).toMatch(/RENEGOTIATING\n.*(?:no renegotiation|unexpected record)/s);
  });

  test('a service with its own versions and curves', async () => {
    expect(await openssl(narrow, '-tls1_2')).toMatch(/alert protocol version/);
    expect(await openssl(narrow, '-tls1_3', '-brief')).toMatch(/Server Temp Key: ECDH, prime256v1/);
  });

  test('IMAP, with STARTTLS and from the first octet', async () => {
    expect(await openssl(imaps, '-brief')).toMatch(/Protocol version: TLSv1\.3[\s\S]*Verification: OK/);
    expect(await openssl(server.imapPort, '-starttls', 'imap', '-brief')).toContain('Protocol version: TLSv1.3');
    expect(await openssl(imaps, '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0')).toMatch(
      /alert protocol version|no protocols/,
    );
  });

  test('swaks shows its certificate', async () => {
    const file = certificates.path('client');
    const own = ['--tls-cert', file, '--tls-key', file];
    const args = ['--server', '127.0.0.1', '--port', String(wrapped), '-tlsc', '--quit-after', 'EHLO', ...own];
    expect(await run('swaks', args)).toMatch(/TLS local DN="\/CN=client\.example"[\s\S]*<~ {2}250 CHUNKING/);
    await logged('Trusted TLS connection established from unknown[127.0.0.1]: TLSv1.3');
  });

  test('settings that cannot be used stop the start and say why', async () => {
    const command = new URL('../../bin/posthaste', import.meta.url).pathname;
    for (const [line, message] of [
      ['smtpd_tls_protocols = TLSv1', 'smtpd_tls_protocols: "TLSv1" is no list of protocols, or one without TLSv1.2'],
      ['smtpd_tls_ciphers = best', 'smtpd_tls_ciphers: the cipher grade "best" is none'],
      ['smtpd_tls_exclude_ciphers = ALL', 'leaves no cipher that may be offered'],
      ['tls_ssl_options = NO_SUCH', 'tls_ssl_options: NO_SUCH is none of NO_TICKET'],
      ['tls_server_sni_maps = nosuch:/x', 'tls_server_sni_maps: '],
      ['smtpd_tls_cert_file = /nowhere.pem', '/nowhere.pem'],
    ]) {
      const etc = join(folder, 'wrong');
      await run('mkdir', ['-p', etc]);
      const settings = `compatibility_level = 3.6\nsmtpd_tls_security_level = may\nposthaste_data_directory = ${etc}/data\n`;
      writeFileSync(join(etc, 'main.cf'), `${settings}${line}\n`);
      writeFileSync(join(etc, 'master.cf'), '127.0.0.1:0 inet n - n - - smtpd\nerror unix - - n - - error\n');
      expect(await run(command, ['-c', etc, 'start'])).toContain(message);
    }
  });
});
