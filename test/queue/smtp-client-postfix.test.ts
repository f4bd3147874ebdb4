// TLS and logins beside a real Postfix's smtp(8): both get the same parameters and meet the same servers; recipients must
// have the same outcome, status and reason, and the log the same words about TLS.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOptions } from '../../src/delivery/smtp-options.ts';
import { HostsFile } from '../../src/dns/hosts-file.ts';
import { HostsResolver } from '../../src/dns/hosts-resolver.ts';
import { ZoneResolver } from '../../src/dns/zone-resolver.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Settings } from '../../src/settings/settings.ts';
import { deliver } from '../../src/smtp-client/deliver.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { Certificates, hasOpenssl } from './certificates.ts';
import { testTables } from './client-options.ts';
import { envelope } from './scripted-server.ts';
import { TlsServer, type TlsServerOptions } from './tls-server.ts';

interface Case {
  readonly name: string;
  readonly server: keyof typeof serverOptions;
  readonly settings: Readonly<Record<string, string>>;
  readonly host?: string;
  /** Where we differ, and say so in docs/postfix-parity.md: our outcome. */
  readonly ours?: { readonly kind: string; readonly status: string; readonly reason: string };
}

/** `context` is the name of a certificate here. */
const serverOptions = {
  plain: {},
  good: { context: 'good' },
  other: { context: 'other' },
  alone: { context: 'alone' },
  broken: { context: 'good', isBroken: true },
  refusing: { context: 'good', refusal: '454 4.7.0 TLS not available' },
  wrapped: { context: 'good', isWrapped: true },
  auth: { context: 'good', mechanisms: 'PLAIN LOGIN CRAM-MD5' },
  plainAuth: { context: 'good', mechanisms: 'PLAIN LOGIN' },
  brokenAuth: { context: 'good', isBroken: true, mechanisms: 'PLAIN LOGIN' },
  refusingAuth: { mechanisms: 'PLAIN', authRefusal: '535 5.7.8 Error: authentication failed: whatever' },
  busyAuth: { mechanisms: 'PLAIN', authRefusal: '454 4.7.0 Temporary authentication failure' },
  nullAuth: { mechanisms: '' },
  unfriendly: { greeting: '554 5.7.1 go away' },
} satisfies Record<string, Omit<TlsServerOptions, 'context'> & { context?: string }>;

const level = (smtp_tls_security_level: string, more: Record<string, string> = {}) => ({
  smtp_tls_security_level,
  ...more,
});
const policy = (row: string) => ({ smtp_tls_policy_maps: `inline:{{DESTINATION = ${row}}}` });
const auth = (password: string, more: Record<string, string> = {}) => ({
  smtp_sasl_auth_enable: 'yes',
  smtp_sasl_password_maps: `inline:{{DESTINATION = joe:${password}}}`,
  ...more,
});
const anyPassword = { smtp_sasl_security_options: 'noanonymous' };
const sent = { kind: 'sent', status: '2.0.0', reason: '250 2.0.0 Ok' };
const misconfigured = { kind: 'deferred', status: '4.7.5', reason: 'client TLS configuration problem' };
const right = 'pass, word';

const cases: readonly Case[] = [
  { name: 'none', server: 'good', settings: level('none') },
  { name: 'may, taken', server: 'good', settings: level('may') },
  { name: 'may, trusted', server: 'good', settings: level('may', { smtp_tls_CAfile: 'CA' }) },
  { name: 'may, not offered', server: 'plain', settings: level('may') },
  { name: 'may, refused', server: 'refusing', settings: level('may') },
  { name: 'may, broken', server: 'broken', settings: level('may'), ours: sent },
  { name: 'encrypt, not offered', server: 'plain', settings: level('encrypt') },
  { name: 'encrypt, refused', server: 'refusing', settings: level('encrypt') },
  { name: 'encrypt, broken', server: 'broken', settings: level('encrypt') },
  { name: 'encrypt, taken', server: 'alone', settings: level('encrypt') },
  { name: 'verify, right', server: 'good', settings: level('verify', { smtp_tls_CAfile: 'CA' }), host: 'localhost' },
  { name: 'verify, no authority', server: 'good', settings: level('verify'), host: 'localhost' },
  { name: 'verify, self-signed', server: 'alone', settings: level('verify', { smtp_tls_CAfile: 'CA' }) },
  {
    name: 'verify, other name',
    server: 'other',
    settings: level('verify', { smtp_tls_CAfile: 'CA' }),
    host: 'localhost',
  },
  { name: 'secure, right', server: 'good', settings: level('secure', { smtp_tls_CAfile: 'CA' }), host: 'localhost' },
  {
    name: 'secure, other name',
    server: 'other',
    settings: level('secure', { smtp_tls_CAfile: 'CA' }),
    host: 'localhost',
  },
  {
    name: 'secure, name by policy',
    server: 'other',
    settings: { ...policy('secure match=a.example:other.example'), smtp_tls_CAfile: 'CA' },
  },
  {
    name: 'secure, wildcard by policy',
    server: 'good',
    settings: { ...policy('secure match=a.wild.example'), smtp_tls_CAfile: 'CA' },
  },
  {
    name: 'secure, wildcard for two labels',
    server: 'good',
    settings: { ...policy('secure match=a.b.wild.example'), smtp_tls_CAfile: 'CA' },
  },
  {
    name: 'secure, names below a domain',
    server: 'other',
    settings: { ...policy('secure match=.example'), smtp_tls_CAfile: 'CA' },
  },
  { name: 'secure, anchor by policy', server: 'other', settings: policy('secure match=other.example tafile=CA') },
  {
    name: 'secure, anchor is the certificate',
    server: 'alone',
    settings: policy('verify match=localhost tafile=ALONE'),
  },
  { name: 'fingerprint, right', server: 'alone', settings: policy('fingerprint match=00:11|ALONE-FINGERPRINT') },
  { name: 'fingerprint, of the key', server: 'alone', settings: policy('fingerprint match=ALONE-KEY-FINGERPRINT') },
  { name: 'fingerprint, wrong', server: 'good', settings: policy('fingerprint match=ALONE-FINGERPRINT') },
  { name: 'fingerprint, none known', server: 'good', settings: level('fingerprint') },
  { name: 'the old enforce', server: 'good', settings: { smtp_enforce_tls: 'yes' } },
  {
    name: 'the old enforce without names',
    server: 'good',
    settings: { smtp_enforce_tls: 'yes', smtp_tls_enforce_peername: 'no' },
  },
  { name: 'the old use', server: 'good', settings: { smtp_use_tls: 'yes' } },
  { name: 'row without a level', server: 'good', settings: { ...level('may'), ...policy(',') } },
  { name: 'row with an unknown level', server: 'good', settings: policy('strong') },
  { name: 'row with an unknown attribute', server: 'good', settings: policy('encrypt colour=red') },
  { name: 'row with half an attribute', server: 'good', settings: policy('encrypt ciphers') },
  { name: 'row with a match out of place', server: 'good', settings: policy('encrypt match=nexthop') },
  { name: 'row with a bad name to send', server: 'good', settings: policy('encrypt servername=-') },
  { name: 'row with two of a kind', server: 'good', settings: policy('encrypt ciphers=high ciphers=low') },
  { name: 'row with unknown ciphers', server: 'good', settings: policy('encrypt ciphers=strong'), ours: misconfigured },
  {
    name: 'row with unknown protocols',
    server: 'good',
    settings: policy('encrypt protocols=SSLv9'),
    ours: misconfigured,
  },
  { name: 'row for none', server: 'good', settings: { ...level('encrypt'), ...policy('none match=x') } },
  { name: 'row with TLS 1.2 only', server: 'good', settings: policy('encrypt protocols=TLSv1.2 exclude=aNULL') },
  { name: 'table that fails', server: 'good', settings: { smtp_tls_policy_maps: 'fail:x' } },
  { name: 'wrapped', server: 'wrapped', settings: level('encrypt', { smtp_tls_wrappermode: 'yes' }) },
  {
    name: 'wrapped, by wish only',
    server: 'wrapped',
    settings: level('may', { smtp_tls_wrappermode: 'yes' }),
    ours: misconfigured,
  },
  { name: 'certificates missing, wish', server: 'good', settings: level('may', { smtp_tls_cert_file: '/nowhere' }) },
  {
    name: 'certificates missing, order',
    server: 'good',
    settings: level('encrypt', { smtp_tls_cert_file: '/nowhere' }),
  },
  { name: 'STARTTLS ignored', server: 'good', settings: level('may', { smtp_discard_ehlo_keywords: 'starttls' }) },
  { name: 'STARTTLS noted', server: 'good', settings: { smtp_tls_note_starttls_offer: 'yes' } },
  { name: 'EHLO never said', server: 'good', settings: level('may', { smtp_never_send_ehlo: 'yes' }) },
  { name: 'EHLO said where offered', server: 'good', settings: level('may', { smtp_always_send_ehlo: 'no' }) },
  { name: '5xx greeting', server: 'unfriendly', settings: {} },
  { name: '5xx greeting, believed', server: 'unfriendly', settings: { smtp_skip_5xx_greeting: 'no' } },
  { name: 'login, no safe mechanism', server: 'plainAuth', settings: auth(right) },
  { name: 'login by CRAM-MD5', server: 'auth', settings: auth(right) },
  { name: 'login in clear', server: 'plainAuth', settings: auth(right, anyPassword) },
  {
    name: 'login under TLS only',
    server: 'plainAuth',
    settings: auth(right, level('encrypt', { smtp_sasl_tls_security_options: 'noanonymous' })),
  },
  {
    name: 'login under verified TLS only',
    server: 'plainAuth',
    settings: auth(right, level('encrypt', { smtp_sasl_tls_verified_security_options: 'noanonymous' })),
  },
  {
    name: 'login that TLS is for',
    server: 'brokenAuth',
    settings: auth(right, level('may')),
  },
  { name: 'login refused', server: 'plainAuth', settings: auth('wrong', anyPassword) },
  {
    name: 'login refused for good',
    server: 'plainAuth',
    settings: auth('wrong', { ...anyPassword, smtp_sasl_auth_soft_bounce: 'no' }),
  },
  { name: 'login refused with words', server: 'refusingAuth', settings: auth('wrong', anyPassword) },
  { name: 'login refused for now', server: 'busyAuth', settings: auth('wrong', anyPassword) },
  {
    name: 'login filtered',
    server: 'plainAuth',
    settings: auth(right, { ...anyPassword, smtp_sasl_mechanism_filter: 'gssapi' }),
  },
  {
    name: 'login filtered to one',
    server: 'auth',
    settings: auth(right, { ...anyPassword, smtp_sasl_mechanism_filter: '!cram-md5, static:all' }),
  },
  { name: 'login not offered', server: 'plain', settings: auth(right) },
  { name: 'login offered without mechanisms', server: 'nullAuth', settings: auth(right) },
  {
    name: 'login unknown here',
    server: 'plainAuth',
    settings: { ...auth(right), smtp_sasl_password_maps: 'inline:{x=y}' },
  },
  {
    name: 'login by host',
    server: 'plainAuth',
    settings: auth(right, { ...anyPassword, smtp_sasl_password_maps: `inline:{{HOST = joe:${right}}}` }),
  },
  {
    name: 'login by sender',
    server: 'plainAuth',
    settings: auth('wrong', {
      ...anyPassword,
      smtp_sender_dependent_authentication: 'yes',
      smtp_sasl_password_maps: `inline:{{@a.example = joe:${right}}, {DESTINATION = joe:wrong}}`,
    }),
  },
  { name: 'login table that fails', server: 'plainAuth', settings: auth(right, { smtp_sasl_password_maps: 'fail:x' }) },
];

const comparedLines =
  /Host offered STARTTLS.*|discarding EHLO keywords.*|(?:server )?certificate verification failed.*|smtp_tls_policy_maps, .*/;
/** smtp(8) says these in other words (its fingerprints are DANE records), or we do not say them. */
const toldOtherwise = /num=65:|no matching fingerprint|policy table lookup error|ignoring attribute/;

const reason = noRealPostfix ?? (hasOpenssl ? undefined : 'needs openssl');

// Skipped where Postfix (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(reason !== undefined)(`smtp(8) does the same${reason === undefined ? '' : ` (${reason})`}`, () => {
  const servers = new Map<string, TlsServer>();
  const ports = new Map<string, number>();
  let certificates: Certificates;
  let folder: string;
  let postfix: RealPostfix;
  let log = '';

  beforeAll(async () => {
    certificates = new Certificates();
    folder = mkdtempSync('/var/tmp/posthaste-client-');
    chmodSync(folder, 0o755);
    for (const [name, options] of Object.entries(serverOptions)) {
      const pem = 'context' in options ? certificates.pem(options.context) : undefined;
      const context = pem === undefined ? undefined : createSecureContext({ key: pem, cert: pem });
      const server = new TlsServer({ ...options, context });
      servers.set(name, server);
      ports.set(name, await server.listen());
    }
    const [port = 0] = await findFreePorts(1);
    postfix = new RealPostfix(folder, port);
    const own = {
      ...postfix.settings,
      compatibility_level: '3.6',
      myhostname: 'client.example',
      inet_interfaces: '127.0.0.1',
      inet_protocols: 'ipv4',
      mynetworks: '127.0.0.0/8',
      smtpd_relay_restrictions: 'permit_mynetworks, reject',
      smtp_host_lookup: 'native',
      transport_maps: `inline:{${cases.map((one, index) => `{c${index}.test = c${index}:${nexthop(one)}}`).join(', ')}}`,
      smtp_tls_loglevel: '1',
    };
    const mainCf = Object.entries(own).map(([name, value]) => `${name} = ${value}\n`);
    await postfix.start(mainCf.join(''), masterCf());
    const connection = await SmtpConnection.open(port);
    for (const line of [
      'EHLO t',
      'MAIL FROM:<joe@a.example>',
      ...cases.map((_, index) => `RCPT TO:<u@c${index}.test>`),
      'DATA',
      'Subject: hi\r\n\r\ntext\r\n.',
    ]) {
      const { code, text } = await connection.command(line);
      if (code >= 400) throw new Error(`${line}: ${code} ${text}`);
    }
    for (let turn = 0; turn < 600; turn++) {
      log = postfix.readLog();
      if (cases.every((_, index) => log.includes(`to=<u@c${index}.test>`))) break;
      await sleep(50);
    }
  }, 60_000);

  afterAll(async () => {
    postfix.stop();
    for (const server of servers.values()) await server.close();
    rmSync(folder, { recursive: true, force: true });
    certificates.remove();
  });

  function nexthop(one: Case): string {
    return `[${one.host ?? '127.0.0.1'}]:${ports.get(one.server)}`;
  }

  function settingsOf(one: Case): [string, string][] {
    return Object.entries(one.settings).map(([name, value]) => [
      name,
      value
        .replaceAll('DESTINATION', nexthop(one))
        .replaceAll('HOST', one.host ?? '127.0.0.1')
        .replaceAll('CA', certificates.path('ca'))
        .replaceAll('ALONE-FINGERPRINT', certificates.fingerprint('alone', 'certificate'))
        .replaceAll('ALONE-KEY-FINGERPRINT', certificates.fingerprint('alone', 'key'))
        .replaceAll('ALONE', certificates.path('alone')),
    ]);
  }

  function masterCf(): string {
    const services = [
      `${postfix.port} inet n - n - - smtpd`,
      'cleanup unix n - n - 0 cleanup',
      'qmgr unix n - n 300 1 qmgr',
      'tlsmgr unix - - n 1000? 1 tlsmgr',
      'rewrite unix - - n - - trivial-rewrite',
      'bounce unix - - n - 0 bounce',
      'defer unix - - n - 0 bounce',
      'trace unix - - n - 0 bounce',
      'proxymap unix - - n - - proxymap',
      'anvil unix - - n - 1 anvil',
      'scache unix - - n - 1 scache',
      'smtp unix - - n - - smtp',
      'retry unix - - n - - error',
      'error unix - - n - - error',
      'discard unix - - n - - discard',
      'local unix - n n - - local',
      'postlog unix-dgram n - n - 1 postlogd',
    ];
    for (const [index, one] of cases.entries()) {
      services.push(`c${index} unix - - n - - smtp -o syslog_name=c${index}`);
      for (const [name, value] of settingsOf(one)) services.push(`  -o { ${name} = ${value} }`);
    }
    return `${services.join('\n')}\n`;
  }

  test.each(cases.map((one, index) => ({ ...one, index })))('$name', async ({ index, ...one }) => {
    const found = new RegExp(`to=<u@c${index}\\.test>.* dsn=(\\S+), status=(\\S+) \\((.*)\\)$`, 'm').exec(log);
    const theirs = { kind: found?.[2], status: found?.[1], reason: found?.[3] };
    const theirLines = log.split('\n').filter((line) => line.includes(` c${index}/smtp[`));
    const settings = Settings.defaults({
      compatibility_level: '3.6',
      myhostname: 'client.example',
      inet_protocols: 'ipv4',
      smtp_tls_loglevel: '1',
      ...Object.fromEntries(settingsOf(one)),
    });
    const lines: string[] = [];
    const made = clientOptions('smtp', settings, {
      resolver: new HostsResolver(new HostsFile('/etc/hosts', systemClock), new ZoneResolver('')),
      clock: systemClock,
      note: (text) => lines.push(text),
      warn: (text) => lines.push(`warning: ${text}`),
      tables: testTables,
    });
    if (typeof made === 'string') throw new Error(made);
    const report = await deliver(nexthop(one), envelope(['ann@b.example']), made.options);
    const [outcome] = report.outcomes;
    const kind = outcome?.kind === 'delivered' ? 'sent' : outcome?.kind;
    expect({ kind, status: outcome?.status, reason: outcome?.reason }).toEqual(one.ours ?? theirs);
    const established = (list: readonly string[]) =>
      list.flatMap((line) => /\w+ TLS connection established to .*? bits\)/.exec(line) ?? []);
    const told = (list: readonly string[]) =>
      list.flatMap((line) => comparedLines.exec(line) ?? []).filter((line) => !toldOtherwise.test(line));
    expect(established(lines)).toEqual(established(theirLines));
    expect(told(lines)).toEqual(told(theirLines));
  });
});
