// Opening directory.db: again, by several processes at once, after a newer version, and where it is not ours.

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Kysely, SqliteDialect } from 'kysely';
import { openSqlite } from '../database/sqlite.ts';
import { FakeClock } from '../lib/clock.ts';
import { createMigrationTable, migrations } from './database.ts';
import { Directory } from './directory.ts';
import { up as initial } from './migrations/0001-initial.ts';
import { findVirtualAlias } from './virtual-alias.ts';

let folder: string;
let file: string;
const clock = new FakeClock();
const open = (readonly = false): Promise<Directory> => Directory.open(file, { clock, actor: 'tester', readonly });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'directory-open-'));
  file = join(folder, 'directory.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs a module text in a process of its own and returns what it printed. */
function run(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      '--input-type=module-typescript',
      '-e',
      text,
    ]);
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(output))));
  });
}

const imports = `
  import { Directory } from '${join(import.meta.dirname, 'directory.ts')}';
  import { systemClock as clock } from '${join(import.meta.dirname, '../lib/clock.ts')}';`;

describe('opening directory.db', () => {
  it('finds everything again', async () => {
    const first = await open();
    await first.domains.add('example.com');
    await first.mailboxes.add({ address: 'anna@example.com', passwordHash: 'x', quotaBytes: 2 ** 40 });
    first.close();
    const again = await open();
    expect(again.mailboxByAddress('anna@example.com')).toMatchObject({ quotaBytes: 2 ** 40 });
    again.close();
    const reader = await open(true);
    expect(await reader.domains.list()).toHaveLength(1);
    reader.close();
  });

  it('is durable on every connection', async () => {
    const directory = await open();
    const connection = openSqlite(file);
    expect(connection.pragma('journal_mode', { simple: true })).toBe('wal');
    connection.close();
    directory.close();
  });

  it('makes files that other users of the machine cannot read', async () => {
    const directory = await open();
    await directory.domains.add('example.com');
    const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o007);
    expect(modes.length).toBeGreaterThan(1);
    expect(new Set(modes)).toEqual(new Set([0]));
    directory.close();
  });

  it('refuses a file from a newer version and leaves it as it is', async () => {
    (await open()).close();
    const connection = openSqlite(file);
    connection.exec("INSERT INTO migration VALUES (99, 'from the future', 0)");
    connection.close();
    const before = readFileSync(file);
    await expect(open()).rejects.toThrow(
      /newer version of Posthaste \(schema 99, this one knows \d+\).*restore a backup/,
    );
    await expect(open(true)).rejects.toThrow(/newer version/);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('brings a file of the first version up to date, with what is in it', async () => {
    const old = openSqlite(file);
    old.pragma(`application_id = ${0x50684469}`);
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: old }) });
    await initial(db);
    old.exec(`CREATE TABLE migration (version integer PRIMARY KEY, name text, applied bigint);
      INSERT INTO migration VALUES (1, 'initial', 0);
      INSERT INTO domain (name, kind, active, transport, created) VALUES ('example.com', 'mailbox', 1, '', 0);
      INSERT INTO mailbox (domain_id, localpart, shown, name, password, quota, enabled, created, removed_at)
        VALUES (1, 'anna', 'anna@example.com', '', 'x', 0, 1, 0, 0)`);
    old.close();
    await expect(open(true)).rejects.toThrow(/older version \(schema 1\): run "posthaste start" once/);
    const directory = await open();
    expect(directory.mailboxByAddress('anna@example.com')).toMatchObject({ enabled: true, vacationUntil: 0 });
    await directory.lists.add({ address: 'team@example.com', owners: ['anna@example.com'] });
    directory.close();
  });

  it('keeps webhooks, and what waits for them, where their names become those of their owners', async () => {
    const old = openSqlite(file);
    old.pragma(`application_id = ${0x50684469}`);
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: old }) });
    await createMigrationTable(db);
    for (const migration of migrations.filter(({ version }) => version < 10)) {
      await migration.up(db);
      old.exec(`INSERT INTO migration VALUES (${migration.version}, 'x', 0)`);
    }
    old.exec(`INSERT INTO admin (login, name, password, role, active, must_change, created) VALUES ('bert', '', '', 'domain', 1, 0, 0);
      INSERT INTO webhook VALUES (4, 'billing', 'https://a.example', 's', 1, 'x.y', 1, 'note', 2, 3, 0, 0, 0);
      INSERT INTO webhook_message (webhook_id, body, created) VALUES (4, '{}', 0), (7, '{}', 0)`);
    old.close();
    const directory = await open();
    const [billing] = await directory.webhooks.due(0);
    expect(billing).toMatchObject({ id: 4, name: 'billing', owner: 'bert', url: 'https://a.example', position: 3 });
    expect(await directory.webhooks.waiting(4, 10)).toHaveLength(1);
    expect(await directory.webhooks.waiting(7, 10)).toEqual([]);
    const added = { name: 'billing', url: 'https://b.example', events: [] };
    await directory.webhooks.add({ ...added, ownerId: 0 });
    await expect(directory.webhooks.add({ ...added, ownerId: 1 })).rejects.toThrow(/a webhook "billing" already/);
    await directory.administrators.remove('bert');
    expect(await directory.webhooks.waiting(4, 10)).toEqual([]);
    expect(await directory.webhooks.list()).toMatchObject([{ url: 'https://b.example' }]);
    directory.close();
  });

  it("refuses another program's file", async () => {
    const connection = openSqlite(file);
    connection.exec('CREATE TABLE theirs (x)');
    connection.close();
    const before = readFileSync(file);
    await expect(open()).rejects.toThrow(/not a Posthaste directory/);
    await expect(open(true)).rejects.toThrow(/not a Posthaste directory/);
    expect(readFileSync(file).equals(before)).toBe(true);
    rmSync(file);
    writeFileSync(file, 'this is a text file, and a rather long one at that: '.repeat(50));
    await expect(open()).rejects.toThrow(/not a Posthaste directory/);
    expect(readFileSync(file, 'utf8')).toMatch(/^this is a text file/);
  });

  it('says how to begin where there is nothing to read', async () => {
    await expect(open(true)).rejects.toThrow(/does not exist.*posthaste start/);
  });

  it('lets several processes make, fill and read one file at once', async () => {
    const worker = (name: string): string => `${imports}
      const directory = await Directory.open(${JSON.stringify(file)}, { clock, actor: '${name}' });
      await directory.domains.add('${name}.example');
      for (let index = 0; index < 10; index++) {
        await directory.mailboxes.add({ address: 'user' + index + '@${name}.example', passwordHash: 'x' });
      }
      directory.close();`;
    await Promise.all(['one', 'two', 'three'].map((name) => run(worker(name))));
    const directory = await open();
    expect((await directory.domains.list()).map(({ name, mailboxes }) => [name, mailboxes])).toEqual([
      ['one.example', 10],
      ['three.example', 10],
      ['two.example', 10],
    ]);
    // One of the thirty was first, and only that one became the administrator's.
    expect(await directory.aliases.list()).toHaveLength(3);
    directory.close();
  });

  it("shows another process's change to the next lookup, with another revision", async () => {
    const server = await open();
    await server.domains.add('example.com');
    const before = server.revision();
    expect(findVirtualAlias(server.lookups, 'anna@example.com').kind).toBe('not-found');
    await run(`${imports}
      const directory = await Directory.open(${JSON.stringify(file)}, { clock, actor: 'command' });
      await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: 'x' });
      directory.close();`);
    expect(findVirtualAlias(server.lookups, 'anna@example.com').kind).toBe('found');
    expect(server.revision()).not.toBe(before);
    server.close();
  });
});

describe('a turn of the event loop', () => {
  const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

  it('sees one state, milliseconds later the newest is seen, and a process always its own changes', async () => {
    const server = await open();
    await server.domains.add('example.com');
    await server.mailboxes.add({ address: 'anna@example.com', passwordHash: 'x' });
    const other = openSqlite(file, { busyTimeout: 1000 });
    const isKnown = (address: string): boolean => findVirtualAlias(server.lookups, address).kind === 'found';

    await later();
    const revision = server.revision();
    expect(isKnown('anna@example.com')).toBe(true);
    other.exec("UPDATE mailbox SET localpart = 'berta'; UPDATE domain SET name = 'example.net'");
    expect([isKnown('anna@example.com'), isKnown('berta@example.com'), isKnown('berta@example.net')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(server.revision()).toBe(revision);

    await later();
    expect([isKnown('anna@example.com'), isKnown('berta@example.com'), isKnown('berta@example.net')]).toEqual([
      false,
      false,
      true,
    ]);
    expect(server.revision()).not.toBe(revision);

    await server.aliases.add('carl@example.net', ['berta@example.net']);
    expect(isKnown('carl@example.net')).toBe(true);
    other.close();
    server.close();
    await later();
  });

  it('does not grow with the names that strangers make up', async () => {
    const server = await open();
    await server.domains.add('example.com');
    for (let index = 0; index < 45_000; index++) server.lookups.domain(`${index}.example`);
    expect(server.lookups.domain('example.com')?.name).toBe('example.com');
    server.close();
  });
});
