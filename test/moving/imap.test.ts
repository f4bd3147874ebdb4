// An account of a real Dovecot is fetched by login: everything as it is there, over cuts of the line and deaths of the
// command, and the second time only what is new.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CuttingProxy } from '../harness/cutting-proxy.ts';
import { DovecotMail } from '../harness/dovecot-mail.ts';
import { canRunDovecot } from '../imap-dialogs/private-dovecot.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { Certificates } from '../queue/certificates.ts';
import { MovingHost } from './moving-host.ts';
import { sampleMbox } from './sample-mail.ts';

const messages = 250;
const namespaces = `
namespace inbox {
  inbox = yes
  separator = .
  prefix = INBOX.
  mailbox "Sent Items" {
    special_use = \\Sent
  }
  mailbox Everything {
    special_use = \\All
  }
}
auth_master_user_separator = *
passdb {
  driver = static
  master = yes
  args = password=master
}
`;

// Needs root and Debian's dovecot-imapd (scripts/install-test-servers); CI has it.
describe.skipIf(!canRunDovecot())('an account of Dovecot (package dovecot-imapd)', () => {
  let dovecot: DovecotMail;
  let host: MovingHost;
  let certificates: Certificates;
  let tlsPort: number;

  beforeAll(async () => {
    host = await MovingHost.create(['anna', 'bert', 'carl']);
    certificates = new Certificates();
    [tlsPort = 0] = await findFreePorts(1);
    dovecot = await DovecotMail.start(`${namespaces}
ssl = yes
ssl_cert = <${certificates.path('good')}
ssl_key = <${certificates.path('good')}
service imap-login {
  inet_listener imaps {
    port = ${tlsPort}
    ssl = yes
  }
}
`);
    const mbox = dovecot.write('anna', 'old.mbox', sampleMbox(messages));
    dovecot.doveadm('anna', ['import'], ['-s', `mbox:${join(mbox, '..')}:INBOX=${mbox}`, '', 'all']);
    for (const folder of ['INBOX.Sent Items', 'INBOX.Everything', 'INBOX.Büro.Süd', 'INBOX.a%b']) {
      dovecot.doveadm('anna', ['mailbox', 'create'], ['-s', folder]);
    }
    dovecot.doveadm('anna', ['copy'], ['INBOX.Büro.Süd', 'mailbox', 'INBOX', 'uid', '1:20']);
    const line = 'A line of a long message, of which there are very many.\n';
    dovecot.doveadm('anna', ['save'], ['-m', 'INBOX'], `Subject: long\n\n${line.repeat(60_000)}`);
    dovecot.doveadm('anna', ['expunge'], ['mailbox', 'INBOX', 'uid', '7,9']);
    writeFileSync(join(host.folder, 'password'), 'secret\n', { mode: 0o600 });
    writeFileSync(join(host.folder, 'master'), 'master\n', { mode: 0o600 });
    await host.process.start();
  }, 120_000);

  afterAll(async () => {
    await dovecot?.stop();
    await host?.close();
    certificates?.remove();
  });

  const login = (port: number, user = 'anna'): string[] => [
    'import',
    'imap',
    '--from',
    `imap://127.0.0.1:${port}`,
    '--plain',
    '--user',
    user,
    '--password-file',
    join(host.folder, 'password'),
  ];

  async function expectAll(name: string): Promise<void> {
    for (const [there, here] of [
      ['INBOX', 'INBOX'],
      ['INBOX.Büro.Süd', 'Büro/Süd'],
    ] as const) {
      expect(await host.listing(name, here)).toEqual(dovecot.listing('anna', there));
      const status = dovecot.doveadm('anna', ['mailbox', 'status'], ['uidvalidity uidnext', there]);
      const [, uidNext, uidValidity] = /uidnext=(\d+) uidvalidity=(\d+)/.exec(status) ?? [];
      expect(await host.validity(name, here)).toBe(`${uidValidity} ${uidNext}`);
    }
  }

  test('arrives whole over TLS that is verified', async () => {
    const args = ['import', 'imap', '--from', `imaps://localhost:${tlsPort}`, '--user', 'anna'];
    const password = ['--password-file', join(host.folder, 'password'), 'anna@home.test'];
    const refused = await host.run([...args, ...password]);
    expect(refused.stderr).toMatch(
      /the certificate of localhost cannot be trusted .*: name its authority with --ca FILE/,
    );
    expect(refused.status).toBe(1);
    const { status, stdout, stderr } = await host.run([...args, '--ca', certificates.path('ca'), ...password]);
    expect(stderr).toBe('');
    expect(stdout).toContain(
      `${messages - 1 + 20} of ${messages - 1 + 20} messages of the source are here octet for octet`,
    );
    expect(stdout).toContain(
      'not taken: folder INBOX.Everything: it is \\All and shows mail that stands in other folders',
    );
    expect(stdout).toContain('it is called "a_b" here');
    expect(status).toBe(0);
    await expectAll('anna');
    expect(await host.folders('anna')).toEqual([
      'Archive \\Archive true',
      'Büro - false',
      'Büro/Süd - true',
      'Drafts \\Drafts true',
      'INBOX \\Inbox true',
      'Junk \\Junk true',
      'Sent Items \\Sent true',
      'Trash \\Trash true',
      'a_b - true',
    ]);
  }, 60_000);

  test('goes on over cuts of the line, and after the command was killed', async () => {
    const proxy = await CuttingProxy.open(dovecot.server.port, [20_000, 300_000, 2_000_000]);
    try {
      await host.cutOff([...login(proxy.port), 'bert@home.test'], 'bert', (command) => command.kill('SIGKILL'));
      const { status, stderr } = await host.run([...login(proxy.port), 'bert@home.test']);
      expect(stderr).toBe('');
      expect(status).toBe(0);
      expect(proxy.connections).toBeGreaterThan(2);
      await expectAll('bert');
    } finally {
      await proxy.close();
    }
  }, 120_000);

  test('of many accounts, each by a master user; one that is refused does not end the others', async () => {
    const file = join(host.folder, 'accounts.csv');
    writeFileSync(
      file,
      'address,user,password\ncarl@home.test,nobody*wrong,"wrong"\n"anna@home.test",anna*root,master\n',
    );
    const args = ['import', 'imap', '--from', `imap://127.0.0.1:${dovecot.server.port}`, '--plain', '--accounts', file];
    const open = await host.run(args);
    expect(open.stderr).toBe(`posthaste: ${file} holds passwords and others may read it: chmod 600 ${file}\n`);
    writeFileSync(file, '', { mode: 0o600 });
    mkdirSync(join(host.folder, 'own'), { mode: 0o700 });
    const own = join(host.folder, 'own', 'accounts.csv');
    writeFileSync(own, 'address,user,password\ncarl@home.test,anna*root,"wrong"\n"anna@home.test",anna*root,master\n', {
      mode: 0o600,
    });
    dovecot.doveadm('anna', ['save'], ['-m', 'INBOX'], 'Subject: late\n\nlate\n');
    const { status, stdout, stderr } = await host.run([...args.slice(0, -1), own]);
    expect(stderr).toContain('carl@home.test: 127.0.0.1 does not let anna*root in');
    expect(stdout).toContain('anna@home.test: 1 message taken');
    expect(status).toBe(1);
    await expectAll('anna');
  }, 60_000);

  test('of many accounts, one whose mailbox is not there is named at the end, and the others are fetched', async () => {
    const own = join(host.folder, 'own', 'some.csv');
    const lines = [
      'nobody@home.test,anna*root,master',
      'anna@home.test,anna*root,master',
      'carl+x@home.test,anna*root,master',
      '',
    ];
    writeFileSync(own, lines.join('\n'), { mode: 0o600 });
    dovecot.doveadm('anna', ['save'], ['-m', 'INBOX'], 'Subject: later\n\nlater\n');
    const from = ['--from', `imap://127.0.0.1:${dovecot.server.port}`, '--plain'];
    const { status, stdout, stderr } = await host.run(['import', 'imap', ...from, '--accounts', own]);
    expect(stdout).toContain('anna@home.test: 1 message taken');
    expect(stderr).toMatch(
      /^not taken: there is no mailbox nobody@home\.test; add it with: .*\nnot taken: there is no mailbox carl\+x@home\.test; .*\n$/,
    );
    expect(status).toBe(1);
    const alone = await host.run([...login(dovecot.server.port), 'nobody@home.test']);
    expect([alone.status, alone.stderr]).toEqual([1, expect.stringContaining('nobody@home.test')]);
  }, 60_000);

  test('what the files have brought is not taken again by IMAP', async () => {
    const files = await host.run(['import', 'maildir', dovecot.mailFolder('anna'), 'carl@home.test']);
    expect(files.status).toBe(0);
    const fetched = await host.run([...login(dovecot.server.port), 'carl@home.test']);
    expect(fetched.stdout).toContain('carl@home.test: 0 messages taken');
    await expectAll('carl');
  }, 60_000);

  test('nor where it got new uids, because mail had come here meanwhile', async () => {
    const own = join(host.folder, 'own.mbox');
    writeFileSync(own, 'From a@far.test Thu Jan  1 10:00:00 2026 +0100\nSubject: own\n\nown\n');
    expect((await host.run(['import', 'mbox', own, 'carl@home.test'])).status).toBe(0);
    dovecot.doveadm('anna', ['save'], ['-m', 'INBOX'], 'Subject: latest\n\nlatest\n');
    const files = await host.run(['import', 'maildir', dovecot.mailFolder('anna'), 'carl@home.test']);
    expect(files.stdout).toContain('carl@home.test: 1 message taken');
    for (let run = 0; run < 2; run++) {
      const fetched = await host.run([...login(dovecot.server.port), 'carl@home.test']);
      expect(fetched.stdout).toContain('carl@home.test: 0 messages taken');
      expect(fetched.status).toBe(0);
    }
  }, 60_000);

  test('a master user whom ACLs show nothing is told how to be let see', async () => {
    const acl = 'mail_plugins = acl\nplugin {\n  acl = vfile\n}\n';
    const other = await DovecotMail.start(`${namespaces}${acl}`);
    try {
      other.doveadm('anna', ['save'], ['-m', 'INBOX'], 'Subject: x\n\nx\n');
      const args = [
        ...login(other.server.port, 'anna*root').slice(0, -1),
        join(host.folder, 'master'),
        'bert@home.test',
      ];
      const { status, stderr } = await host.run(args);
      expect(stderr).toMatch(
        /Mailbox doesn't exist: INBOX.*: ACLs may hide it from a master user: with Dovecot, set acl_user = %u/,
      );
      expect(status).toBe(1);
    } finally {
      await other.stop();
    }
  }, 60_000);
});
