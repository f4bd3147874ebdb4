// Directories in files: CSV, aliases(5), a Postfix folder with its tables, Dovecot's users.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { verifyPassword } from '../../src/auth/password-scheme.ts';
import { ImportHost, told } from './run-import.ts';

let folder: string;
let host: ImportHost;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'import-files-'));
  host = await ImportHost.make();
});

afterEach(() => {
  host.remove();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

test('CSV: mailboxes, aliases, a quoted line end; faults by line and column', async () => {
  const path = file(
    'people.csv',
    '\uFEFFaddress,targets,password,name,quota,forward,forward_mode\r\n' +
      'anna@d.test,,secret,"Anna ""A""\nSecond line",1G,,\r\n' +
      'bob@d.test,,,Bob,500M,bob@else.test,forward\r\n' +
      'info@d.test,"anna@d.test, bob@d.test",,,,,\r\n' +
      'carl@d.test,,,,much,,\r\n' +
      'nobody,,,,,,\r\n' +
      'x@d.test,y@d.test,,Named,,,\r\n' +
      'two@d.test,,,,,,,,\r\n',
  );
  const result = await host.run('csv', path, '--add-domains');
  expect(result.failure).toBe('');
  expect(told(result)).toEqual(['domain: 1 added', 'mailbox: 2 added', 'alias: 1 added']);
  expect(result.notTaken.map(({ what }) => what.replace(path, 'F'))).toEqual([
    'F:6, column quota',
    'F:7, column address',
    'F:8, column name',
    'F:9',
  ]);
  const again = await host.run('csv', path, '--add-domains');
  expect(told(again)).toEqual(['domain: 1 unchanged', 'mailbox: 2 unchanged', 'alias: 1 unchanged']);
  const directory = await host.open();
  expect((await directory.mailboxes.need('anna@d.test')).name).toBe('Anna "A" Second line');
  directory.close();
});

test('CSV: a header that nobody knows stops all', async () => {
  expect((await host.run('csv', file('a.csv', 'address;colour\n'))).failure).toMatch(/a\.csv:1, column 2.*"colour"/);
  expect((await host.run('csv', file('b.csv', 'name\n'))).failure).toMatch(/"address" is missing/);
  expect((await host.run('csv', file('c.csv', ''))).failure).toMatch(/is empty/);
  expect((await host.run('csv', join(folder, 'absent.csv'))).failure).toMatch(/cannot be read/);
});

test('CSV: a typed password is hashed', async () => {
  await host.run('csv', file('p.csv', 'address\tpassword\nanna@d.test\tsecret\n'), '--add-domains');
  const directory = await host.open();
  const hash = directory.credentials('anna@d.test')?.passwordHash ?? '';
  directory.close();
  expect(hash).not.toContain('secret');
  expect(await verifyPassword('secret', hash)).toBe(true);
});

test('aliases(5): names of one domain; commands stay', async () => {
  const directory = await host.open();
  await directory.domains.add('d.test');
  directory.close();
  const path = file('aliases', '# x\npostmaster: root\nroot: anna@else.test, joe\nlist: "|/usr/bin/list post"\n');
  const result = await host.run('aliases', path, '--domain', 'd.test');
  expect(told(result)).toEqual(['alias: 2 added']);
  expect(result.notTaken.map(({ what }) => what.replace(path, 'F'))).toEqual(['F:4, list: "|/usr/bin/list post"']);
});

test('a Postfix folder: every class, the first table of two, what stays; equal by proof', async () => {
  mkdirSync(join(folder, 'postfix'));
  const at = (name: string, text: string): string => file(join('postfix', name), text);
  at(
    'main.cf',
    [
      'compatibility_level = 3.6',
      'myhostname = mx.d.test',
      'mydestination = localhost',
      'alias_maps =',
      'local_recipient_maps =',
      'recipient_delimiter = +',
      `virtual_mailbox_domains = mail.test, texthash:${at('domains', 'more.test x\n')}`,
      'virtual_mailbox_base = /srv/vmail',
      `virtual_mailbox_maps = texthash:${at('mailboxes', 'anna@mail.test mail.test/anna/\nbob@mail.test mail.test/bob/\n')}`,
      'virtual_alias_domains = forward.test mail.test',
      `virtual_alias_maps = texthash:${at('first', 'info@mail.test anna@mail.test\nteam@mail.test anna@mail.test,\n  bob@mail.test   carl@else.test, Dora <dora@else.test>\n"o t"@mail.test "x, y"@else.test (why)\nbob@mail.test bob@mail.test,bob@else.test\n@forward.test all@else.test\n')}, texthash:${at('second', 'info@mail.test other@else.test\nlocal root\nx@elsewhere.test anna@mail.test\n')}`,
      'relay_domains = relay.test',
      `relay_recipient_maps = texthash:${at('recipients', 'ann@relay.test OK\n')}`,
      `transport_maps = texthash:${at('transport', 'relay.test smtp:[192.0.2.3]\nfar.test smtp:[192.0.2.4]\n')}`,
      `sender_bcc_maps = texthash:${at('bcc', '@mail.test copies@else.test\n')}`,
      `smtpd_sender_login_maps = texthash:${at('logins', 'press@mail.test anna@mail.test\n')}`,
      `header_checks = pcre:${at('headers', '/^X-Bad:/ REJECT\n')}`,
      'smtpd_recipient_restrictions = reject_unknown_sender_domain',
      '',
    ]
      .join('\n')
      .replace('virtual_alias_domains = forward.test mail.test', 'virtual_alias_domains = forward.test'),
  );
  at('master.cf', '');
  const result = await host.run('postfix', join(folder, 'postfix'));
  expect([result.failure, ...(result.proof?.differences.filter(({ reason }) => reason === undefined) ?? [])]).toEqual([
    '',
  ]);
  expect(told(result)).toEqual([
    'domain: 4 added',
    'mailbox: 2 added',
    'alias: 4 added',
    'relay-recipient: 1 added',
    'transport: 2 added',
    'bcc: 1 added',
    'sender-right: 1 added',
  ]);
  expect(result.notTaken.map(({ what }) => what)).toEqual([
    'alias local',
    'alias x@elsewhere.test',
    'header_checks',
    'smtpd_recipient_restrictions',
  ]);
  const directory = await host.open();
  expect((await directory.aliases.need('info@mail.test')).targets).toEqual(['anna@mail.test']);
  const team = await directory.aliases.need('team@mail.test');
  expect(team.targets).toEqual(['anna@mail.test', 'bob@mail.test', 'carl@else.test', 'dora@else.test']);
  expect((await directory.aliases.need('"o t"@mail.test')).targets).toEqual(['"x, y"@else.test']);
  expect((await directory.mailboxes.need('bob@mail.test')).forward).toEqual({ mode: 'both', to: ['bob@else.test'] });
  directory.close();
});

test('a Postfix folder that leaves alias_maps and local_recipient_maps as they are, NIS among them', async () => {
  mkdirSync(join(folder, 'postfix'));
  const aliases = file(join('postfix', 'virtual'), 'info@d.test anna@else.test\n');
  file(join('postfix', 'main.cf'), `virtual_alias_domains = d.test\nvirtual_alias_maps = texthash:${aliases}\n`);
  file(join('postfix', 'master.cf'), '');
  const result = await host.run('postfix', join(folder, 'postfix'));
  expect(result.failure).toBe('');
  expect(told(result)).toEqual(['domain: 1 added', 'alias: 1 added']);
  // relay_domains = $mydestination, as before Postfix 3.0: subdomains of its own names are relayed there.
  const reasons = new Set(result.proof?.differences.map(({ reason }) => reason));
  expect([...reasons]).toEqual([expect.stringContaining('parent_domain_matches_subdomains')]);
});

test('a Postfix folder whose catch-all takes the mail of mailboxes: they get it here, and the proof says so', async () => {
  mkdirSync(join(folder, 'postfix'));
  const mailboxes = file(join('postfix', 'mailboxes'), 'anna@d.test d/anna/\nemil@d.test d/emil/\n');
  const aliases = file(join('postfix', 'virtual'), '@d.test anna@d.test\n');
  file(
    join('postfix', 'main.cf'),
    `compatibility_level = 3.6\nmydestination =\nrecipient_delimiter = +\nvirtual_mailbox_domains = d.test\nvirtual_mailbox_maps = texthash:${mailboxes}\nvirtual_alias_maps = texthash:${aliases}\n`,
  );
  file(join('postfix', 'master.cf'), '');
  const result = await host.run('postfix', join(folder, 'postfix'));
  expect(result.failure).toBe('');
  const reasons = result.proof?.differences.map(({ address, reason }) => `${address}: ${reason}`);
  expect(reasons).toContain('emil@d.test: its mail goes to the catch-all there, which stands before mailboxes');
});

test('Dovecot: passwd-file and SQL, quota rules, what is shared', async () => {
  const database = new Database(join(folder, 'users.db'));
  database.exec(`CREATE TABLE users (email TEXT, pw TEXT, quota INTEGER);
    INSERT INTO users VALUES ('sql@d.test', 'b', 2048), ('o''neil@d.test', 'c', 0);`);
  database.close();
  const sql = file(
    'dovecot-sql.conf.ext',
    `driver = sqlite\nconnect = ${join(folder, 'users.db')}\ndefault_pass_scheme = PLAIN\n` +
      "password_query = SELECT email AS user, pw AS password FROM users \\\n  WHERE email = '%u'\n" +
      "user_query = SELECT '*:bytes=' || quota AS quota_rule FROM users WHERE email = '%n@%d'\n" +
      'iterate_query = SELECT email AS user FROM users\n',
  );
  const passwd = file(
    'passwd',
    'anna@d.test:{PLAIN}a:1000:1000:Anna A,,,:/home/anna::userdb_quota_rule=*:storage=2G\njoe:{PLAIN}j::::::\nshut:{PLAIN}s::::::nologin=y\nnear:{PLAIN}n::::::allow_nets=192.0.2.0/24\n',
  );
  const masters = file('masters', 'boss:{PLAIN}b::::::\n');
  const denied = file('denied', 'joe\nevil\n');
  file('global-acls', '* user=anna@d.test lr\n');
  const main = file(
    'dovecot.conf',
    `!include_try absent.conf\nauth_default_realm = d.test\nmail_location = maildir:/srv/%d/%n/Maildir\n` +
      `passdb {\n  driver = passwd-file\n  args = scheme=CRYPT username_format=%u ${passwd}\n}\n` +
      `passdb {\n  driver = sql\n  args = ${sql}\n}\npassdb {\n  driver = pam\n}\n` +
      `passdb {\n  driver = passwd-file\n  master = yes\n  args = ${masters}\n}\n` +
      `passdb {\n  driver = passwd-file\n  deny = yes\n  args = ${denied}\n}\n` +
      `namespace shared {\n  type = shared\n  prefix = Shared/%%u/\n}\n` +
      `plugin {\n  quota_rule = *:storage=1G\n  quota_rule2 = Trash:storage=+10%%\n  acl = vfile:${join(folder, 'global-acls')}\n}\n`,
  );
  const result = await host.run('dovecot', main, '--add-domains');
  expect(result.failure).toBe('');
  expect(told(result)).toEqual(['domain: 1 added', 'mailbox: 6 added']);
  expect(result.notTaken.map(({ what }) => what.replace(folder, 'F'))).toEqual([
    'password of shut@d.test',
    'allow_nets of near@d.test',
    'passdb of the driver pam',
    'passdb F/masters',
    'passdb F/denied',
    'namespace Shared/%%u/',
    'quota_rule2 Trash:storage=+10%%',
    'F/global-acls: * user=anna@d.test lr',
  ]);
  const directory = await host.open();
  const quotas = await Promise.all(['anna', 'joe', 'sql'].map((name) => directory.mailboxes.need(`${name}@d.test`)));
  expect(quotas.map(({ quotaBytes, name }) => [quotaBytes, name])).toEqual([
    [2 * 1024 ** 3, 'Anna A'],
    [1024 ** 3, ''],
    [2048, ''],
  ]);
  expect(directory.credentials("o'neil@d.test")?.passwordHash).toBe('{PLAIN}c');
  expect(directory.credentials('shut@d.test')?.passwordHash).toBe('!');
  directory.close();
});

test('Dovecot: home folders and quotas from static, default_fields and override_fields; mail that is no Maildir', async () => {
  const passwd = file(
    'passwd',
    'anna@d.test:{PLAIN}a::::::\nbob@d.test:{PLAIN}b::::/home/bob::userdb_quota_rule=*:storage=2G\n' +
      'mdb@d.test:{PLAIN}m::::::userdb_mail=mdbox:~/mdbox\nbox@d.test:{PLAIN}x::::::userdb_mail=mbox:~/mail:INBOX=/var/mail/%n\n' +
      'odd@d.test:{PLAIN}o::::::userdb_mail=maildir:/srv/%{if;%d;eq;d.test;a;b}\n',
  );
  const main = (userdb: string): string =>
    file(
      'dovecot.conf',
      `mail_location = maildir:~/Maildir:LAYOUT=fs\npassdb {\n  driver = passwd-file\n  args = ${passwd}\n}\nuserdb {\n${userdb}\n}\n`,
    );
  const list = join(folder, 'maildirs.csv');
  const usual = `driver = passwd-file\nargs = ${passwd}\ndefault_fields = uid=v home=/srv/%d/%n quota_rule=*:storage=1G`;
  const result = await host.run('dovecot', main(usual), '--add-domains', '--maildirs', list);
  expect(result.failure).toBe('');
  expect(readFileSync(list, 'utf8').split('\n').slice(1, -1)).toEqual([
    'anna@d.test,/srv/d.test/anna/Maildir',
    'bob@d.test,/home/bob/Maildir',
  ]);
  expect(result.notTaken.map(({ what, reason }) => `${what}: ${reason}`)).toEqual([
    'mail of mdb@d.test (mdbox:~/mdbox): only Dovecot reads that: fetch it with: posthaste import imap',
    'mail of box@d.test (mbox:~/mail:INBOX=/var/mail/box): take it with: posthaste import mbox',
    'mail of odd@d.test (maildir:/srv/%{if;d.test;eq;d.test;a;b}): where that is, only Dovecot knows',
  ]);
  const directory = await host.open();
  const quotas = await Promise.all(['anna', 'bob'].map((name) => directory.mailboxes.need(`${name}@d.test`)));
  expect(quotas.map(({ quotaBytes }) => quotaBytes)).toEqual([1024 ** 3, 2 * 1024 ** 3]);
  directory.close();
  await host.run('dovecot', main('driver = static\nargs = uid=v gid=v home=/var/mail/%Ld/%n'), '--maildirs', list);
  expect(readFileSync(list, 'utf8')).toContain('anna@d.test,/var/mail/d.test/anna/Maildir\n');
  await host.run('dovecot', main(`${usual}\noverride_fields = home=/over/%u`), '--maildirs', list);
  expect(readFileSync(list, 'utf8')).toContain('bob@d.test,/over/bob@d.test/Maildir\n');
  const unwritable = await host.run('dovecot', main(usual), '--maildirs', join(folder, 'absent/list'));
  expect(unwritable.failure).toMatch(/absent\/list cannot be written: ENOENT/);
  const unreported = await host.run('dovecot', main(usual), '--report', join(folder, 'absent/report'));
  expect(unreported.failure).toMatch(/absent\/report cannot be written: ENOENT/);
});
