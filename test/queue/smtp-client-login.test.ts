// The client logs in to a real Postfix smtpd(8) whose passwords a real Dovecot judges, under TLS by STARTTLS and from the
// first octet, with every mechanism that both know, and with a certificate of its own.

import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOptions } from '../../src/delivery/smtp-options.ts';
import { HostsFile } from '../../src/dns/hosts-file.ts';
import { HostsResolver } from '../../src/dns/hosts-resolver.ts';
import { ZoneResolver } from '../../src/dns/zone-resolver.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Settings } from '../../src/settings/settings.ts';
import { deliver } from '../../src/smtp-client/deliver.ts';
import type { ClientOutcome } from '../../src/smtp-client/types.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { canRunDovecot, PrivateDovecot } from '../imap-dialogs/private-dovecot.ts';
import { Certificates, hasOpenssl } from './certificates.ts';
import { testTables } from './client-options.ts';
import { envelope } from './scripted-server.ts';

const reason =
  noRealPostfix ?? (canRunDovecot() ? undefined : 'needs Dovecot') ?? (hasOpenssl ? undefined : 'needs openssl');

// Skipped where Postfix or Dovecot (scripts/install-test-servers) is not there; CI installs them and counts a skip as a failure.
describe.skipIf(reason !== undefined)(`logging in to a smarthost${reason === undefined ? '' : ` (${reason})`}`, () => {
  let certificates: Certificates;
  let dovecot: PrivateDovecot;
  let postfix: RealPostfix;
  let folder: string;
  let wrapped = 0;
  let logStart = 0;
  const lines: string[] = [];

  beforeAll(async () => {
    certificates = new Certificates();
    dovecot = await PrivateDovecot.start('plain login cram-md5 scram-sha-1 scram-sha-256');
    for (let attempt = 0; attempt < 100 && !existsSync(dovecot.authSocket); attempt++) await sleep(50);
    folder = mkdtempSync('/var/tmp/posthaste-smarthost-');
    chmodSync(folder, 0o755);
    const [port = 0, second = 0] = await findFreePorts(2);
    wrapped = second;
    postfix = new RealPostfix(folder, port);
    const own = {
      ...postfix.settings,
      compatibility_level: '3.6',
      myhostname: 'smarthost.example',
      inet_interfaces: '127.0.0.1',
      inet_protocols: 'ipv4',
      mydestination: '',
      smtpd_sasl_auth_enable: 'yes',
      smtpd_sasl_type: 'dovecot',
      smtpd_sasl_path: dovecot.authSocket,
      smtpd_tls_chain_files: certificates.path('good'),
      smtpd_tls_CAfile: certificates.path('ca'),
      smtpd_tls_security_level: 'may',
      smtpd_tls_auth_only: 'yes',
      smtpd_tls_ask_ccert: 'yes',
      smtpd_tls_loglevel: '1',
      smtpd_relay_restrictions: 'permit_sasl_authenticated, reject',
      default_transport: 'discard',
    };
    const mainCf = Object.entries(own).map(([name, value]) => `${name} = ${value}\n`);
    await postfix.start(mainCf.join(''), masterCf());
  }, 60_000);

  afterAll(async () => {
    postfix.stop();
    await dovecot.stop();
    rmSync(folder, { recursive: true, force: true });
    certificates.remove();
  });

  function masterCf(): string {
    return `${[
      `${postfix.port} inet n - n - - smtpd`,
      `${wrapped} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes`,
      'cleanup unix n - n - 0 cleanup',
      'qmgr unix n - n 300 1 qmgr',
      'tlsmgr unix - - n 1000? 1 tlsmgr',
      'rewrite unix - - n - - trivial-rewrite',
      'anvil unix - - n - 1 anvil',
      'discard unix - - n - - discard',
      'proxymap unix - - n - - proxymap',
      'postlog unix-dgram n - n - 1 postlogd',
    ].join('\n')}\n`;
  }

  async function send(values: Record<string, string>, port = postfix.port): Promise<ClientOutcome | undefined> {
    const settings = Settings.defaults({
      compatibility_level: '3.6',
      myhostname: 'client.example',
      inet_protocols: 'ipv4',
      smtp_tls_security_level: 'secure',
      smtp_tls_CAfile: certificates.path('ca'),
      smtp_tls_loglevel: '1',
      smtp_sasl_auth_enable: 'yes',
      smtp_sasl_password_maps: 'inline:{localhost=joe:secret}',
      smtp_sasl_tls_security_options: 'noanonymous',
      ...values,
    });
    const made = clientOptions('smtp', settings, {
      resolver: new HostsResolver(new HostsFile('/etc/hosts', systemClock), new ZoneResolver('')),
      clock: systemClock,
      note: (text) => lines.push(text),
      warn: (text) => lines.push(text),
      tables: testTables,
    });
    if (typeof made === 'string') throw new Error(made);
    lines.length = 0;
    logStart = postfix.readLog().length;
    const report = await deliver(`[localhost]:${port}`, envelope(['ann@b.example']), made.options);
    return report.outcomes[0];
  }

  async function logged(part: string): Promise<void> {
    const log = () => postfix.readLog().slice(logStart);
    for (let turn = 0; turn < 100 && !log().includes(part); turn++) await sleep(20);
    expect(log()).toContain(part);
  }

  test.each(['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256'])('with %s', async (mechanism) => {
    expect(await send({ smtp_sasl_mechanism_filter: mechanism })).toMatchObject({ kind: 'delivered' });
    await logged(`sasl_method=${mechanism}, sasl_username=joe`);
  });

  test('with the best of what is offered', async () => {
    expect(await send({})).toMatchObject({ kind: 'delivered' });
    await logged('sasl_method=SCRAM-SHA-256, sasl_username=joe');
    expect(lines).toEqual([
      expect.stringMatching(
        /^Verified TLS connection established to localhost\[127\.0\.0\.1\]:\d+: TLSv1\.3 with cipher/,
      ),
    ]);
  });

  test('under TLS from the first octet', async () => {
    expect(await send({ smtp_tls_wrappermode: 'yes' }, wrapped)).toMatchObject({ kind: 'delivered' });
    await logged('sasl_username=joe');
  });

  test('is not tried in clear, where it is not offered', async () => {
    expect(await send({ smtp_tls_security_level: 'none' })).toMatchObject({
      kind: 'bounced',
      status: '5.7.1',
      reason: expect.stringContaining('Access denied') as string,
    });
  });

  test('with a certificate of its own', async () => {
    await send({ smtp_tls_cert_file: certificates.path('client') });
    await logged('Trusted TLS connection established from');
    expect(await send({ smtp_tls_chain_files: certificates.path('client') })).toMatchObject({ kind: 'delivered' });
    await logged('Trusted TLS connection established from');
  });

  // The last: Dovecot lets a client wait after each.
  test('with a wrong password, which nobody gets to read', async () => {
    const refused = await send({
      smtp_sasl_mechanism_filter: 'plain',
      smtp_sasl_password_maps: 'inline:{localhost=joe:wrong-secret}',
    });
    expect(refused).toMatchObject({ kind: 'deferred', status: '4.7.8' });
    expect(refused?.reason).toMatch(
      /^SASL authentication failed; server localhost\[127\.0\.0\.1\] said: 535 5\.7\.8 Error: authentication failed/,
    );
    expect(JSON.stringify([refused, lines])).not.toContain('wrong-secret');
  });
});
