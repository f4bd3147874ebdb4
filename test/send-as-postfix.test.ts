// Who may send as whom: reject_sender_login_mismatch and its three variants, each login with each sender, asked of a real
// Postfix and of our server with the same tables. The logins are named by XCLIENT, as both allow it to this machine.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDovecotAuthServer } from './harness/dovecot-auth-server.ts';
import { findFreePorts } from './harness/free-ports.ts';
import { ageFile, noRealPostfix, RealPostfix } from './harness/real-postfix.ts';
import { postfixDaemons } from './relay/postfix-daemons.ts';
import { RawClient, realDefaults, startTestServer, type TestServer } from './smtp-dialogs/test-server.ts';

const variants = [
  'reject_sender_login_mismatch',
  'reject_authenticated_sender_login_mismatch',
  'reject_known_sender_login_mismatch',
  'reject_unauthenticated_sender_login_mismatch',
  'warn_if_reject reject_sender_login_mismatch',
] as const;

const logins = [undefined, 'joe', 'JOE', 'ann', 'bob@example.com', 'root'];

const senders = [
  '',
  'joe@example.com',
  'JOE@Example.COM',
  'joe+list@example.com',
  'ann+list@example.com',
  'info@example.com',
  'all@example.com',
  'unlisted@example.com',
  'x@catch.example',
  'bob@catch.example',
  'user7@pattern.example',
  'user7+x@pattern.example',
  'someone@far.example',
  'root',
  'root@mx.example.com',
  'root@example.com',
  '"two words"@example.com',
  'nobody@mx.example.com',
  'joe%catch.example@mx.example.com',
];

// info@ stands in both: the first table that knows the key has the answer, and the second one's owner has none.
const firstTable = `joe@example.com  joe
info@example.com  joe
root  root
"two words"@example.com  ann
all@example.com  joe, ann  bob@example.com
`;
const secondTable = `info@example.com  ann
ann@example.com  ann
ann+list@example.com  joe
@catch.example  Bob@Example.com
bob@catch.example  ann
`;
const patterns = '/^user(\\d)@pattern\\.example$/  joe, ann\n';

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostfix !== undefined)(`as a real Postfix decides (${noRealPostfix ?? '3.7'})`, () => {
  let folder: string;
  let postfix: RealPostfix;
  let dovecot: Server;
  let settings: Record<string, string>;
  let ports: readonly number[];

  beforeAll(async () => {
    folder = mkdtempSync('/var/tmp/posthaste-send-as-');
    chmodSync(folder, 0o755);
    ports = await findFreePorts(variants.length + 1);
    postfix = new RealPostfix(folder, ports[0] ?? 0);
    for (const [name, text] of [
      ['first', firstTable],
      ['second', secondTable],
      ['patterns', patterns],
    ] as const) {
      writeFileSync(join(folder, name), text);
      ageFile(join(folder, name));
    }
    settings = {
      myhostname: 'mx.example.com',
      mydestination: 'mx.example.com',
      local_recipient_maps: '',
      alias_maps: '',
      mynetworks: '127.0.0.9',
      smtpd_authorized_xclient_hosts: '127.0.0.1',
      recipient_delimiter: '+',
      virtual_mailbox_domains: 'example.com',
      virtual_mailbox_maps: '',
      virtual_transport: 'discard',
      local_transport: 'discard',
      default_transport: 'discard',
      smtpd_error_sleep_time: '0',
      smtpd_sasl_auth_enable: 'yes',
      smtpd_sasl_type: 'dovecot',
      smtpd_sasl_path: join(folder, 'auth'),
      smtpd_relay_restrictions: 'reject_unauth_destination',
      smtpd_sender_login_maps: ['first', 'second'].map((name) => `texthash:${folder}/${name}`).join(', '),
    };
    settings['smtpd_sender_login_maps'] += `, regexp:${folder}/patterns`;
    dovecot = await startDovecotAuthServer(join(folder, 'auth'));
    await postfix.start(mainCf(), masterCf());
  });

  afterAll(() => {
    postfix.stop();
    dovecot.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function mainCf(): string {
    const all = {
      compatibility_level: '3.6',
      ...postfix.settings,
      ...settings,
      inet_interfaces: '127.0.0.1',
      // Transactions that are begun and given up look like mail that the queue manager does not keep up with.
      in_flow_delay: '0',
    };
    return Object.entries(all)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join('');
  }

  function masterCf(): string {
    const servers = variants.map(
      (variant, index) =>
        `127.0.0.1:${ports[index]} inet n - n - - smtpd\n  -o { smtpd_sender_restrictions = ${variant} }\n`,
    );
    const off = `127.0.0.1:${ports[variants.length]} inet n - n - - smtpd
  -o smtpd_sender_restrictions=reject_sender_login_mismatch -o smtpd_sasl_auth_enable=no
`;
    return `${servers.join('')}${off}${postfixDaemons}`;
  }

  /** What each sender hears at RCPT, with this login. */
  async function replies(port: number, login: string | undefined): Promise<Record<string, string>> {
    const client = await RawClient.open(port);
    try {
      await client.reply();
      await client.command('EHLO client.example');
      expect(await client.command(`XCLIENT LOGIN=${login ?? '[UNAVAILABLE]'}`)).toMatch(/^220/);
      await client.command('EHLO client.example');
      const heard: Record<string, string> = {};
      for (const sender of senders) {
        const atMail = (await client.command(`MAIL FROM:<${sender}>`)) ?? 'closed';
        const atRcpt = await client.command('RCPT TO:<somebody@example.com>');
        heard[sender] = atMail.startsWith('250') ? (atRcpt ?? 'closed') : atMail;
        await client.command('RSET');
      }
      return heard;
    } finally {
      client.destroy();
    }
  }

  async function compare(port: number, overrides: Record<string, string>): Promise<Record<string, string>[]> {
    let ours: TestServer | undefined;
    const all: Record<string, string>[] = [];
    try {
      ours = await startTestServer({
        settings: { ...realDefaults, ...settings, ...overrides },
        isRealPolicy: true,
        withoutTls: true,
      });
      for (const login of logins) {
        const theirs = await replies(port, login);
        expect(await replies(ours.port, login), login).toEqual(theirs);
        all.push(theirs);
      }
      return all;
    } finally {
      await ours?.close();
    }
  }

  test.each(variants.map((variant, index) => [variant, index] as const))('%s', async (variant, index) => {
    const all = await compare(ports[index] ?? 0, { smtpd_sender_restrictions: variant });
    // The table is no accident: something is refused and something is not.
    const heard = new Set(all.flatMap((one) => Object.values(one)));
    expect(heard).toContain('250 2.1.5 Ok');
    const isRefused = [...heard].some((reply) => /^553 5\.7\.1 .*(not owned by user|not logged in)/.test(reply));
    expect(isRefused).toBe(!variant.startsWith('warn_if_reject'));
  });

  test('without logins nothing is compared', async () => {
    const off = { smtpd_sender_restrictions: 'reject_sender_login_mismatch', smtpd_sasl_auth_enable: 'no' };
    await compare(ports[variants.length] ?? 0, off);
  });

  test('the first table that knows an address decides', async () => {
    const heard = await replies(ports[0] ?? 0, 'ann');
    expect(heard['info@example.com']).toBe(
      '553 5.7.1 <info@example.com>: Sender address rejected: not owned by user ann',
    );
    expect(heard['all@example.com']).toBe('250 2.1.5 Ok');
  });
});
