// Logins by the tables of the documents, with Dovecot's own dovecot-sql.conf.ext: the howto's `users`, PostfixAdmin's
// `mailbox` with the queries of the wiki page. Real MariaDB and PostgreSQL, and SQLite.

import Database from 'better-sqlite3';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasSqlServers, type SqlType, SqlServers, sqlTypes } from '../tables/sql-servers.ts';
import { crypted, logIn, LoginRig } from './login-rig.ts';

const usersTable =
  "CREATE TABLE users (email varchar(255) NOT NULL default '', password varchar(255) NOT NULL default '', quota int NOT NULL default '0', PRIMARY KEY (email) );";
const mailboxTable =
  "CREATE TABLE mailbox (username varchar(255) NOT NULL, password varchar(255) NOT NULL, name varchar(255) NOT NULL default '', maildir varchar(255) NOT NULL default '', quota bigint NOT NULL default '0', local_part varchar(255) NOT NULL default '', domain varchar(255) NOT NULL default '', active BOOLEAN NOT NULL, PRIMARY KEY (username));";

const sixes = crypted('secret');
const rows = [
  `INSERT INTO users (email, password, quota) VALUES ('sales@example.com', '${sixes}', 0);`,
  `INSERT INTO users (email, password, quota) VALUES ('o''hara@example.com', '${crypted("it's", '-1')}', 0);`,
  "INSERT INTO users (email, password, quota) VALUES ('hex@example.com', '{SHA512}bd2b1aaf7ef4f09be9f52ce2d8d599674d81aa9d6a4421696dc4d93dd0619d682ce56b4d64a9ef097761ced99e0f67265b5f76085e5b0ee7ca4696b2ad6fe2b2', 0);",
  "INSERT INTO users (email, password, quota) VALUES ('future@example.com', '{NOSUCH}xyz', 0);",
  ...['anna', 'gone', 'nobox', 'anna+x'].map(
    (name) =>
      `INSERT INTO mailbox (username, password, quota, local_part, domain, active) VALUES ('${name}@example.com', '${crypted('secret', '-1')}', 1024000, '${name}', 'example.com', ${name === 'gone' ? 'FALSE' : 'TRUE'});`,
  ),
];

const howtoQueries = `
default_pass_scheme = CRYPT
password_query = SELECT email as user, password FROM users WHERE email='%u';
`;

/** The last two as the wiki page has them. */
const postfixAdminQueries = (concat: string): string => `
default_pass_scheme = MD5-CRYPT
password_query = \\
  SELECT username AS user, password FROM mailbox \\
  WHERE username = '%u' AND active = '1'   # who is switched off may not
user_query = SELECT '/home/vmail/%d/%n' as home, 'maildir:/home/vmail/%d/%n' as mail, 5000 AS uid, 5000 AS gid, ${concat} AS quota_rule FROM mailbox WHERE username = '%u' AND active = '1'
iterate_query = SELECT username AS user FROM mailbox
`;

// Skipped where MariaDB or PostgreSQL (scripts/install-test-servers) is not there; CI installs them and counts a skip as a failure.
describe.skipIf(!hasSqlServers)('logins by SQL tables (packages mariadb-server, postgresql)', () => {
  const servers = new SqlServers();
  let rig: LoginRig;
  let count = 0;
  const sqliteFile = (): string => join(servers.folder, 'users.db');

  beforeAll(async () => {
    await servers.start();
    const schema = [usersTable, mailboxTable, ...rows];
    servers.mariaDb.execute(schema.join('\n'), 'mail');
    servers.postgreSql.execute([...schema, 'GRANT SELECT ON users, mailbox TO reader;'].join('\n'), 'mail');
    const sqlite = new Database(sqliteFile());
    sqlite.exec(schema.join('\n'));
    sqlite.close();
    rig = await LoginRig.open(['sales@example.com', 'anna@example.com', "o'hara@example.com", 'gone@example.com']);
  }, 60_000);
  afterAll(async () => {
    await rig.close();
    await servers.stop();
  });

  function reach(type: SqlType, more = ''): string {
    if (type === 'sqlite') return `driver = sqlite\nconnect = ${sqliteFile()}\n`;
    const { port } = type === 'mysql' ? servers.mariaDb : servers.postgreSql;
    return `driver = ${type}\nconnect = host=127.0.0.1 port=${port} dbname=mail user=reader password=secret ${more}\n`;
  }

  const open = (configuration: string, list = (file: string): string => `sql:${file}`) =>
    rig.logins({ posthaste_auth_backends: list(rig.write(`dovecot-sql-${count++}.conf.ext`, configuration)) });

  describe.each(sqlTypes)('%s', (type) => {
    test("the howto's users log in as they are", async () => {
      const logins = open(reach(type) + howtoQueries);
      expect(await logIn(logins, 'sales@example.com', 'secret')).toBe('sales@example.com');
      expect(await logIn(logins, 'Sales@Example.COM', 'secret')).toBe('sales@example.com');
      expect(await logIn(logins, 'sales@example.com', 'wrong')).toBe('denied: password mismatch');
      expect(await logIn(logins, 'nobody@example.com', 'secret')).toBe('denied: unknown user');
      expect(await logIn(logins, "o'hara@example.com", "it's")).toBe("o'hara@example.com");
      // As SHA2(…, 512) of SQL writes it.
      expect(await logIn(logins, 'hex@example.com', 'secret', { service: 'smtp' })).toBe(
        'hex@example.com (no mailbox)',
      );
    });

    test('a name or a password cannot leave its place in the query', async () => {
      const logins = open(
        `${reach(type)}password_query = SELECT email AS user, NULL AS password, 'Y' AS nopassword FROM users WHERE email = '%u' AND password = '%w'\n`,
      );
      for (const attack of [
        "' OR '1'='1",
        "\\' OR 1=1 -- ",
        "x' UNION SELECT 'a','b','c' -- ",
        "sales@example.com'--",
        '\\',
        "%u' OR 'a'='a",
      ]) {
        expect(await logIn(logins, attack, attack)).toBe('denied: unknown user');
        expect(await logIn(logins, 'sales@example.com', attack)).toBe('denied: unknown user');
      }
      expect(await logIn(logins, 'sales@example.com', sixes)).toBe('sales@example.com');
      const bare = open(`${reach(type)}password_query = SELECT email AS user, password FROM users WHERE quota = %n\n`);
      expect(await logIn(bare, '1 or 1=1@example.com', 'x')).toContain('temporary: ');
    });

    test("PostfixAdmin's mailboxes log in, for SMTP and IMAP, with the queries of the wiki page", async () => {
      const concat = type === 'sqlite' ? "'*:bytes=' || quota" : "concat('*:bytes=', quota)";
      const logins = open(reach(type) + postfixAdminQueries(concat));
      for (const service of ['imap', 'smtp'] as const) {
        expect(await logIn(logins, 'anna@example.com', 'secret', { service })).toBe('anna@example.com');
        expect(await logIn(logins, 'gone@example.com', 'secret', { service })).toBe('denied: unknown user');
        expect(await logIn(logins, 'nobox@example.com', 'secret', { service })).toBe('nobox@example.com (no mailbox)');
        // Somebody of his own in that table, not anna with an extension.
        expect(await logIn(logins, 'anna+x@example.com', 'secret', { service })).toBe(
          'anna+x@example.com (no mailbox)',
        );
      }
      expect(rig.log.lines.join('\n')).toMatch(
        /what it says of home, mail, uid, gid, quota_rule counts for nothing here/,
      );
      expect(rig.log.lines.join('\n')).toMatch(/nobox@example.com has logged in by sql:.* and has no mailbox here/);
      expect(rig.log.lines.join('\n')).not.toContain('secret');
    });

    test('names may come in two columns, and only one row may', async () => {
      const two = open(
        `${reach(type)}default_pass_scheme = MD5-CRYPT\npassword_query = SELECT local_part AS username, domain, password FROM mailbox WHERE local_part = '%n' AND domain = '%d'\n`,
      );
      expect(await logIn(two, 'ANNA@example.com', 'secret')).toBe('anna@example.com');
      const many = open(`${reach(type)}password_query = SELECT password FROM mailbox WHERE '%u' <> ''\n`);
      expect(await logIn(many, 'anna@example.com', 'secret')).toMatch(
        /^temporary: sql:.*password_query returned several rows/,
      );
      const none = open(`${reach(type)}password_query = SELECT username FROM mailbox WHERE username = '%u'\n`);
      expect(await logIn(none, 'anna@example.com', 'secret')).toMatch(/returned no column password$/);
      const broken = open(
        `${reach(type)}password_query = SELECT nosuch AS password FROM mailbox WHERE username = '%u'\n`,
      );
      expect(await logIn(broken, 'anna@example.com', 'secret')).toMatch(/^temporary: /);
    });

    test('a scheme that nobody here knows is no wrong password', async () => {
      expect(await logIn(open(reach(type) + howtoQueries), 'future@example.com', 'x')).toMatch(
        /^temporary: unsupported password scheme/,
      );
    });

    test('fields of the row decide besides', async () => {
      const row = (fields: string): string =>
        `${reach(type)}password_query = SELECT password, ${fields} FROM users WHERE email = '%u'\ndefault_pass_scheme = CRYPT\n`;
      const of = (fields: string, password = 'secret') => logIn(open(row(fields)), 'sales@example.com', password);
      expect(await of("'192.0.2.0/24,2001:db8::/32' AS allow_nets")).toBe('sales@example.com');
      expect(await of("'198.51.100.7' AS allow_nets")).toBe('denied: 192.0.2.1 is not in allow_nets');
      expect(await of("'nonsense' AS allow_nets")).toMatch(/^temporary: /);
      expect(await of("'y' AS nologin, 'System is being upgraded' AS reason")).toBe('denied: System is being upgraded');
      expect(await of("'y' AS fail")).toMatch(/^denied: refused/);
      expect(await of("'y' AS fail", 'wrong')).toBe('denied: password mismatch');
      expect(await of("'y' AS proxy, '10.0.0.9' AS host")).toMatch(/^temporary: .*passed on to 10.0.0.9/);
      expect(await of('NULL AS fail, NULL AS nologin')).toBe('sales@example.com');
      expect(await of("'y' AS nopassword")).toMatch(/^temporary: .*both a password and nopassword/);
    });
  });

  test('a database that is gone is no wrong password, and a later place may still let in', async () => {
    const file = rig.write('gone.conf.ext', reach('mysql').replace(/port=\d+/, 'port=1') + howtoQueries);
    const alone = rig.logins({ posthaste_auth_backends: `sql:${file}` });
    expect(await logIn(alone, 'sales@example.com', 'secret')).toMatch(/^temporary: .*ECONNREFUSED/);
    const both = rig.logins({ posthaste_auth_backends: `sql:${file}, directory` });
    expect(await logIn(both, 'sales@example.com', 'of the directory')).toBe('sales@example.com');
    expect(await logIn(both, 'sales@example.com', 'wrong')).toMatch(/^temporary: /);
    expect(await logIn(both, 'nobody@example.com', 'wrong')).toMatch(/^temporary: /);
    const strict = rig.logins({
      posthaste_auth_backends: `{ sql:${file}, result_internalfail=return-fail }, directory`,
    });
    expect(await logIn(strict, 'sales@example.com', 'of the directory')).toMatch(/^temporary: /);
  });

  test('one of two servers is enough, and one that comes back is asked again', async () => {
    const twice = reach('pgsql').replace('host=127.0.0.1', 'host=127.0.0.1 host=localhost') + howtoQueries;
    expect(await logIn(open(twice), 'sales@example.com', 'secret')).toBe('sales@example.com');
    const logins = open(reach('mysql', 'read_timeout=1 connect_timeout=1') + howtoQueries);
    expect(await logIn(logins, 'sales@example.com', 'secret')).toBe('sales@example.com');
    servers.mariaDb.signal('SIGSTOP');
    expect(await logIn(logins, 'sales@example.com', 'secret')).toMatch(/^temporary: /);
    servers.mariaDb.signal('SIGCONT');
    for (let attempt = 0; attempt < 50; attempt++) {
      if ((await logIn(logins, 'sales@example.com', 'secret')) === 'sales@example.com') return;
      await sleep(100);
    }
    throw new Error('the server is not asked again');
  }, 20_000);

  test('a thousand logins at once are answered, each with its own answer', async () => {
    const logins = open(reach('pgsql') + howtoQueries);
    expect(await logIn(logins, 'sales@example.com', 'secret')).toBe('sales@example.com');
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, index) =>
        logIn(logins, index % 2 === 0 ? 'sales@example.com' : `nobody${index}@example.com`, 'secret'),
      ),
    );
    expect(
      answers.every((answer, index) => answer === (index % 2 === 0 ? 'sales@example.com' : 'denied: unknown user')),
    ).toBe(true);
  }, 20_000);

  test('connections by socket, and with what connect may say', async () => {
    const { mariaDb, postgreSql } = servers;
    const my = open(
      `driver = mysql\nconnect = "host=${mariaDb.socket} dbname=mail user=reader password=secret"\n${howtoQueries}`,
    );
    expect(await logIn(my, 'sales@example.com', 'secret')).toBe('sales@example.com');
    const pg = open(
      `driver = pgsql\nconnect = host=${postgreSql.socketFolder} port=${postgreSql.port} dbname=mail user=reader sslmode=prefer\n${howtoQueries}`,
    );
    expect(await logIn(pg, 'sales@example.com', 'secret')).toBe('sales@example.com');
    const mistakes: readonly (readonly [string, RegExp])[] = [
      ['driver = oracle\n', /driver = oracle: must be/],
      [reach('mysql', 'nosuch=1'), /connect: nosuch is not supported/],
      [`${reach('mysql')}passwort_query = x\n`, /:3: passwort_query is no setting/],
      [`${reach('mysql')}password_query = SELECT '%y'\n`, /password_query: %y means nothing/],
      ['driver = mysql\nconnect = host=x secretpassword\n', /connect: must be words/],
      ['driver = sqlite\n', /dbpath is not set/],
    ];
    for (const [text, message] of mistakes) expect(() => open(text)).toThrow(message);
    expect(() => open('driver = mysql\nconnect = host=x secretpassword\n')).not.toThrow('secretpassword');
  });
});
