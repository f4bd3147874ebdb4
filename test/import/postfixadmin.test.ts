// PostfixAdmin of Debian, filled by its own command line on MariaDB, PostgreSQL and SQLite: everything is taken over, and
// a real Postfix that reads the old database answers as the new directory does.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRouting } from '../../src/access/open-routing.ts';
import { explainOne } from '../../src/cli/explainer.ts';
import { directoryTableOpener } from '../../src/directory/tables.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import { verifyPassword } from '../../src/auth/password-scheme.ts';
import { Settings } from '../../src/settings/settings.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { hasMariaDb, MariaDbServer } from '../harness/mariadb.ts';
import { hasPostgreSql, PostgreSqlServer } from '../harness/postgresql.ts';
import { noPostfixAdmin, PostfixAdmin } from '../harness/postfixadmin.ts';
import { ageFile, noRealPostfix, RealPostfix } from '../harness/real-postfix.ts';
import { masterCf } from '../queue/relaying-postfix.ts';
import { SmtpConnection } from '../harness/smtp-connection.ts';
import { ImportHost, told } from './run-import.ts';

const password = 'Secret12345';
const common = {
  quota: 'YES',
  quota_multiplier: '1024000',
  encrypt: 'php_crypt:SHA512',
  vacation: 'YES',
  vacation_domain: 'autoreply.example.com',
};

/** Enough to see that the database is read. */
function fillFew(admin: PostfixAdmin): void {
  admin.run('domain', 'add', 'example.com');
  admin.run('domain', 'add', 'alias.test');
  admin.run('mailbox', 'add', 'anna@example.com', '--password', password, '--password2', password, '--quota', '5');
  admin.run('alias', 'add', '@example.com', '--goto', 'anna@example.com');
  admin.run('aliasdomain', 'add', 'alias.test', '--target-domain', 'example.com');
}

const expectedFew = ['domain: 1 added', 'alias-domain: 1 added', 'mailbox: 1 added', 'alias: 5 added'];

function fill(admin: PostfixAdmin): void {
  const limits = ['--aliases', '10', '--mailboxes', '10', '--maxquota', '100', '--quota', '2048'];
  admin.run('domain', 'add', 'example.com', '--description', 'x', ...limits, '--default-aliases');
  admin.run('domain', 'add', 'alias.test', ...limits, '--default-aliases');
  admin.run('domain', 'add', 'own.test', ...limits);
  admin.run('domain', 'add', 'backup.test', ...limits, '--backupmx', '1');
  admin.run('domain', 'add', 'off.test', ...limits);
  const secret = ['--password', password, '--password2', password, '--quota', '50'];
  const mailboxes = [
    'anna@example.com',
    'bob@example.com',
    'carl@example.com',
    'dora@example.com',
    'eve@own.test',
    'fox@example.com',
  ];
  for (const address of mailboxes) admin.run('mailbox', 'add', address, ...secret, '--name', `N ${address}`);
  admin.run('alias', 'add', 'info@example.com', '--goto', 'anna@example.com,bob@example.com,far@else.test');
  admin.run('alias', 'add', '@example.com', '--goto', 'dora@example.com');
  admin.run('alias', 'update', 'bob@example.com', '--goto', 'bob@else.test', '--goto-mailbox', '1');
  admin.run('alias', 'update', 'carl@example.com', '--goto', 'carl@else.test', '--goto-mailbox', '0');
  admin.run('alias', 'add', 'gone@example.com', '--goto', 'anna@example.com', '--active', '0');
  admin.run('aliasdomain', 'add', 'alias.test', '--target-domain', 'example.com');
  admin.run('aliasdomain', 'add', 'own.test', '--target-domain', 'example.com');
  admin.run('admin', 'add', 'root@example.com', '--password', password, '--password2', password, '--superadmin', '1');
  admin.run(
    'admin',
    'add',
    'some@example.com',
    '--password',
    password,
    '--password2',
    password,
    '--domains',
    'example.com',
  );
}

const expected = [
  'domain: 4 added',
  'alias-domain: 1 added',
  'mailbox: 6 added',
  'alias: 26 added',
  'administrator: 2 added',
];

async function importTwice(
  configuration: string,
  expected: readonly string[],
  notTaken: readonly string[],
): Promise<ImportHost> {
  const host = await ImportHost.make();
  const rehearsal = await host.run('postfixadmin', '--settings', configuration, '--dry-run');
  expect([rehearsal.failure, ...told(rehearsal)]).toEqual(['', ...expected]);
  const first = await host.run('postfixadmin', '--settings', configuration);
  expect(first.failure).toBe('');
  expect(told(first)).toEqual(expected);
  expect(first.proof?.probes).toBeGreaterThan(50);
  // V3: PostfixAdmin's catch-all of an alias domain answers before the extension is gone; and subdomains of the backup MX.
  expect(first.proof?.differences.filter(({ reason }) => reason === undefined)).toEqual([]);
  expect(first.notTaken.map(({ what }) => what)).toEqual(notTaken);
  const second = await host.run('postfixadmin', '--settings', configuration);
  expect(told(second)).toEqual(expected.map((line) => line.replace('added', 'unchanged')));
  return host;
}

// Skipped where PostfixAdmin or MariaDB (scripts/install-test-servers) is not there; CI counts a skip as a failure.
describe.skipIf(noPostfixAdmin !== undefined || !hasMariaDb)('PostfixAdmin on MariaDB', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pfa-'));
  const server = new MariaDbServer(join(folder, 'my'));
  let admin: PostfixAdmin;
  let host: ImportHost;
  const hosts: ImportHost[] = [];

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'my'));
    await server.start();
    server.execute('CREATE DATABASE postfix CHARACTER SET utf8mb4');
    const socket = { database_type: 'mysqli', database_socket: server.socket, database_host: 'localhost' };
    const account = { database_user: 'root', database_password: '', database_name: 'postfix' };
    admin = new PostfixAdmin(join(folder, 'pfa'), { ...common, ...socket, ...account });
    fill(admin);
    server.execute(
      `UPDATE domain SET active = 0 WHERE domain = 'off.test';
       UPDATE mailbox SET active = 0 WHERE username = 'fox@example.com';
       INSERT INTO vacation (email, subject, body, cache, domain, active, interval_time)
       VALUES ('anna@example.com', 'Away', 'Back on Monday.', '', 'example.com', 1, 172800);
       UPDATE alias SET goto = 'anna@example.com,anna#example.com@autoreply.example.com' WHERE address = 'anna@example.com';`,
      'postfix',
    );
    host = await importTwice(admin.configuration, expected, ['alias domain own.test']);
    hosts.push(host);
  }, 120_000);
  afterAll(async () => {
    await server.stop();
    for (const one of hosts) one.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test('mailboxes keep passwords, names, quotas, forwards and vacations', async () => {
    const directory = await host.open();
    try {
      const anna = await directory.mailboxes.need('anna@example.com');
      expect(anna).toMatchObject({ name: 'N anna@example.com', quotaBytes: 51_200_000, enabled: true });
      expect(anna.vacation).toMatchObject({ subject: 'Away', text: 'Back on Monday.', days: 2 });
      expect(anna.forward).toBeUndefined();
      const forwards = await Promise.all(
        ['bob', 'carl'].map((name) => directory.mailboxes.need(`${name}@example.com`)),
      );
      expect(forwards.map(({ forward }) => forward)).toEqual([
        { mode: 'both', to: ['bob@else.test'] },
        { mode: 'forward', to: ['carl@else.test'] },
      ]);
      const stored = directory.credentials('anna@example.com')?.passwordHash ?? '';
      expect(stored).toMatch(/^\$6\$/);
      expect(await verifyPassword(password, stored)).toBe(true);
      expect(await directory.domains.show('example.com')).toMatchObject({
        class: 'mailbox',
        maxMailboxes: 10,
        maxQuotaBytes: 102_400_000,
      });
      expect(await directory.domains.show('backup.test')).toMatchObject({ class: 'relay' });
      expect(await directory.administrators.show('root@example.com')).toMatchObject({ role: 'host' });
      expect(await directory.administrators.show('some@example.com')).toMatchObject({ domains: ['example.com'] });
    } finally {
      directory.close();
    }
  });

  test('what differs stays without --update, and is changed with it', async () => {
    const other = await ImportHost.make();
    hosts.push(other);
    const directory = await other.open();
    await directory.domains.add('example.com');
    await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: '{PLAIN}own', name: 'Own' });
    await directory.aliases.add('info@example.com', ['anna@example.com']);
    directory.close();
    const kept = await other.run('postfixadmin', '--settings', admin.configuration, '--no-proof');
    expect(told(kept)).toContain('mailbox: 1 differs');
    expect(kept.notTaken.find(({ what }) => what === 'mailbox anna@example.com')?.reason).not.toContain('own');
    const now = await other.run('postfixadmin', '--settings', admin.configuration, '--update');
    expect(told(now)).toContain('mailbox: 1 updated');
    // The first mailbox by hand has become the administrator's, with addresses of its own.
    const others = now.proof?.differences.filter(({ address }) => !/^(?:root|postmaster)/i.test(address)) ?? [];
    expect(others.filter(({ reason }) => reason === undefined)).toEqual([]);
  });

  // Skipped where Postfix is not there.
  test.skipIf(noRealPostfix !== undefined)(
    'a real Postfix on the old database takes and refuses the same',
    async () => {
      const [port = 0] = await findFreePorts(1);
      const postfix = new RealPostfix(join(folder, 'postfix'), port);
      const { etc } = postfix.folder;
      const account = `hosts = unix:${server.socket}\nuser = root\ndbname = postfix\n`;
      const table = (name: string, query: string): string => {
        writeFileSync(join(etc, name), `${account}query = ${query}\n`);
        ageFile(join(etc, name));
        return `mysql:${join(etc, name)}`;
      };
      const through = "alias_domain.alias_domain = '%d' AND alias.active = '1' AND alias_domain.active = '1'";
      const own = postfix.settings;
      const settings = {
        ...own,
        compatibility_level: '3.6',
        myhostname: 'old.host.test',
        mydestination: '',
        mynetworks: '192.0.2.1',
        inet_interfaces: '127.0.0.1',
        recipient_delimiter: '+',
        smtpd_relay_restrictions: 'reject_unauth_destination',
        smtpd_error_sleep_time: '0',
        smtpd_soft_error_limit: '10000',
        smtpd_hard_error_limit: '10000',
        virtual_mailbox_domains: table(
          'domains',
          "SELECT domain FROM domain WHERE domain='%s' AND backupmx = '0' AND active = '1'",
        ),
        relay_domains: table(
          'relay',
          "SELECT domain FROM domain WHERE domain='%s' AND backupmx = '1' AND active = '1'",
        ),
        virtual_alias_maps: [
          table('alias', "SELECT goto FROM alias WHERE address='%s' AND active = '1'"),
          table(
            'through',
            `SELECT goto FROM alias, alias_domain WHERE ${through} AND alias.address = CONCAT('%u', '@', alias_domain.target_domain)`,
          ),
          table(
            'all',
            `SELECT goto FROM alias, alias_domain WHERE ${through} AND alias.address = CONCAT('@', alias_domain.target_domain)`,
          ),
        ].join(', '),
        virtual_mailbox_maps: table('mailboxes', "SELECT maildir FROM mailbox WHERE username='%s' AND active = '1'"),
      };
      const mainCf = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
      await postfix.start(mainCf.join(''), masterCf(port));
      try {
        const directory = await host.open();
        const settingsHere = Settings.defaults({
          compatibility_level: '3.6',
          myhostname: 'new.host.test',
          mydestination: '',
          recipient_delimiter: '+',
          smtpd_relay_restrictions: 'reject_unauth_destination',
          virtual_mailbox_domains: 'directory:mailbox-domains',
          virtual_alias_domains: 'directory:alias-domains',
          virtual_alias_maps: 'directory:virtual-aliases',
          virtual_mailbox_maps: 'directory:mailboxes',
          relay_domains: 'directory:relay-domains',
        });
        const openers = { directory: directoryTableOpener(directory) };
        const routing = openRouting({ settings: settingsHere, log: new MemoryLog(), isWatching: false, openers });
        const policy = routing.policy(settingsHere);
        const users = [
          'anna',
          'bob',
          'carl',
          'dora',
          'eve',
          'info',
          'gone',
          'nobody',
          'postmaster',
          'anna+x',
          'info+x',
        ];
        const domains = ['example.com', 'alias.test', 'own.test', 'backup.test', 'off.test', 'else.test'];
        const client = await SmtpConnection.open(port);
        await client.command('EHLO client.test');
        await client.command('MAIL FROM:<stranger@example.org>');
        const answers: string[] = [];
        for (const address of domains.flatMap((domain) => users.map((user) => `${user}@${domain}`))) {
          const { code } = await client.command(`RCPT TO:<${address}>`);
          const { reply } = await explainOne(policy, address, {});
          if (code >= 500 !== reply.code >= 500) answers.push(`${address}: ${code} there, ${reply.code} here`);
        }
        expect(answers).toEqual([]);
        client.destroy();
        routing.close();
        directory.close();
      } finally {
        postfix.stop();
      }
    },
    60_000,
  );
});

// Skipped where PostfixAdmin or PostgreSQL is not there.
describe.skipIf(noPostfixAdmin !== undefined || !hasPostgreSql)('PostfixAdmin on PostgreSQL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pfa-pg-'));
  const server = new PostgreSqlServer(join(folder, 'pg'));
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('is taken over as from MariaDB', async () => {
    chmodSync(folder, 0o755);
    await server.start();
    server.execute('CREATE DATABASE postfix');
    const place = { database_type: 'pgsql', database_host: '127.0.0.1', database_port: String(server.port) };
    const account = { database_user: 'postgres', database_password: 'x', database_name: 'postfix' };
    const admin = new PostfixAdmin(join(folder, 'pfa'), { ...common, ...place, ...account });
    fillFew(admin);
    (await importTwice(admin.configuration, expectedFew, [])).remove();
  }, 120_000);
});

// Skipped where PostfixAdmin is not there.
describe.skipIf(noPostfixAdmin !== undefined)('PostfixAdmin on SQLite', () => {
  test('is taken over as from MariaDB', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pfa-sqlite-'));
    try {
      const file = { database_type: 'sqlite', database_name: join(folder, 'postfix.db') };
      writeFileSync(file.database_name, '');
      const admin = new PostfixAdmin(join(folder, 'pfa'), { ...common, ...file });
      fillFew(admin);
      (await importTwice(admin.configuration, expectedFew, [])).remove();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
});
