// Fixtures after the published schemas of the howto, Modoboa, mailcow and iRedMail: what is taken, what is not and why, and
// the proof against their own Postfix queries.

import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasMariaDb, MariaDbServer } from '../harness/mariadb.ts';
import { ImportHost, type ImportResult, told } from './run-import.ts';

const folder = mkdtempSync(join(tmpdir(), 'import-databases-'));
const hosts: ImportHost[] = [];
const fixture = (name: string): string => readFileSync(join(import.meta.dirname, `${name}.sql`), 'utf8');

afterAll(() => {
  for (const host of hosts) host.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function makeHost(): Promise<ImportHost> {
  const host = await ImportHost.make();
  hosts.push(host);
  return host;
}

function sqlite(name: string): string {
  const file = join(folder, `${name}.db`);
  rmSync(file, { force: true });
  const database = new Database(file);
  database.exec(fixture(name));
  database.close();
  return `sqlite:${file}`;
}

/** Each unexplained difference in a line. */
function unexplained({ proof }: ImportResult): string[] {
  const all = proof?.differences.filter(({ reason }) => reason === undefined) ?? [];
  return all.map(({ address, old, here }) => `${address}: ${old} there, ${here} here`);
}

test("the howto's tables", async () => {
  const host = await makeHost();
  const source = sqlite('howto');
  const result = await host.run('howto', '--source', source);
  expect([result.failure, ...unexplained(result)]).toEqual(['']);
  expect(told(result)).toEqual([
    'domain: 2 added',
    'mailbox: 3 added',
    'alias: 2 added',
    'alias: 1 refused',
    'transport: 1 added',
  ]);
  expect(result.notTaken.map(({ what }) => what)).toEqual(['alias who@nowhere.test', 'transport of many.test']);
  const directory = await host.open();
  expect(directory.credentials('all@other.test')?.passwordHash).toMatch(/^\{SHA512\.HEX\}b109/);
  expect((await directory.mailboxes.need('joe@example.com')).forward).toEqual({ mode: 'both', to: ['joe@else.test'] });
  directory.close();
  expect(told(await host.run('howto', '--source', source, '--no-proof'))).toContain('mailbox: 3 unchanged');
});

test('Modoboa', async () => {
  const host = await makeHost();
  const result = await host.run('modoboa', '--source', sqlite('modoboa'));
  expect([result.failure, ...unexplained(result)]).toEqual(['']);
  expect(told(result)).toEqual([
    'domain: 3 added',
    'alias-domain: 1 added',
    'mailbox: 3 added',
    'alias: 2 added',
    'sender-right: 1 added',
    'administrator: 1 added',
  ]);
  expect(result.notTaken).toEqual([]);
  const directory = await host.open();
  expect(await directory.domains.show('split.test')).toMatchObject({
    class: 'mailbox',
    unknownTo: 'smtp:[192.0.2.2]:25',
  });
  expect(await directory.mailboxes.need('anna@d.test')).toMatchObject({ name: 'Anna A', quotaBytes: 50 << 20 });
  expect((await directory.aliases.need('off@d.test')).active).toBe(false);
  directory.close();
});

// Skipped where MariaDB (scripts/install-test-servers) is not there; CI counts a skip as a failure.
describe.skipIf(!hasMariaDb)('on MariaDB', () => {
  const server = new MariaDbServer(join(folder, 'my'));
  const load = (name: string): string => {
    server.execute(`CREATE DATABASE ${name} CHARACTER SET utf8mb4; USE ${name}; ${fixture(name)}`);
    const file = join(folder, `${name}.cf`);
    writeFileSync(file, `hosts = unix:${server.socket}\nuser = root\ndbname = ${name}\n`, { mode: 0o600 });
    return `mysql:${file}`;
  };

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    await server.start();
  }, 60_000);
  afterAll(async () => await server.stop());

  test('mailcow', async () => {
    const host = await makeHost();
    const result = await host.run('mailcow', '--source', load('mailcow'));
    expect([result.failure, ...unexplained(result)]).toEqual(['']);
    expect(told(result)).toEqual([
      'domain: 3 added',
      'alias-domain: 1 added',
      'mailbox: 2 added',
      'alias: 2 added',
      'relay-recipient: 1 added',
      'sender-right: 1 added',
      'bcc: 2 added',
      'administrator: 1 added',
    ]);
    expect(result.notTaken.map(({ what }) => what)).toEqual([
      'mailbox room@d.test',
      'alias trash@d.test',
      'sender_acl of bob@d.test',
    ]);
    const directory = await host.open();
    expect(await directory.mailboxes.need('anna@d.test')).toMatchObject({
      protocols: ['smtp', 'imap', 'sieve', 'http'],
      mustChange: true,
      quotaBytes: 1 << 30,
    });
    expect(await directory.mailboxes.need('bob@d.test')).toMatchObject({ protocols: ['none'], enabled: true });
    directory.close();
  });

  test('iRedMail', async () => {
    const host = await makeHost();
    const result = await host.run('iredmail', '--source', load('iredmail'), '--maildirs', join(folder, 'maildirs'));
    expect([result.failure, ...unexplained(result)]).toEqual(['']);
    expect(told(result)).toEqual([
      'domain: 2 added',
      'alias-domain: 1 added',
      'mailbox: 2 added',
      'alias: 3 added',
      'bcc: 1 added',
      'administrator: 1 added',
    ]);
    expect(result.notTaken.map(({ what }) => what)).toEqual([
      'access policy membersonly of info@d.test',
      'list list@d.test',
    ]);
    expect(readFileSync(join(folder, 'maildirs'), 'utf8').split('\n')[1]).toBe(
      'anna@d.test,/var/vmail/vmail1/d.test/a/n/n/anna/Maildir',
    );
  });
});

test('another database is refused with the reason', async () => {
  const host = await makeHost();
  const { failure } = await host.run('mailcow', '--source', sqlite('howto'));
  expect(failure).toMatch(/no table domain: is it the database of mailcow\?/);
  expect((await host.run('howto', '--source', 'hash:/etc/aliases')).failure).toMatch(/names no database/);
});
