// PostfixAdmin's views on real servers: what they show, and a password that another program changes there.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { register } from '../../src/cli/export.ts';
import { openServerSession } from '../../src/database/server/open-session.ts';
import type { ServerSession } from '../../src/database/server/server-session.ts';
import type { DirectoryServer } from '../../src/directory/server/server-settings.ts';
import { DirectoryServers, serverDialects } from '../harness/directory-servers.ts';
import { runCommand } from '../harness/run-tool.ts';
import { copyDirectory } from './copy-directory.ts';
import { fillDirectory } from './filled-directory.ts';

const folder = mkdtempSync(join(tmpdir(), 'postfixadmin-views-'));
const file = join(folder, 'directory.db');
const servers = new DirectoryServers();

beforeAll(async () => {
  (await fillDirectory(file)).close();
  await servers.start();
}, 60_000);
afterAll(async () => {
  await servers.stop();
  rmSync(folder, { recursive: true, force: true });
});

// Needs Debian's mariadb-server and postgresql: of each that is not installed the tests are left out.
describe.each(serverDialects)("PostfixAdmin's views on %s", (dialect) => {
  const driver = dialect === 'mysql' ? 'mysql' : 'pgsql';
  let server: DirectoryServer;
  let owner: ServerSession;
  let account: ServerSession;

  beforeAll(async () => {
    const database = servers.newDatabase(dialect);
    server = database.server;
    await copyDirectory(file, server);
    const etc = join(folder, driver);
    mkdirSync(etc);
    writeFileSync(
      join(etc, 'main.cf'),
      `posthaste_directory = ${driver}:${database.file}\nposthaste_data_directory = ${folder}\n`,
    );
    writeFileSync(join(etc, 'master.cf'), '');
    const { stdout, stderr } = await runCommand(register, {
      directory: etc,
      args: ['export', 'postfixadmin-views'],
      json: true,
    });
    expect(stderr).toBe('');
    const { password, account: user } = JSON.parse(stdout) as { password: string; account: string };
    const [address] = server.addresses;
    if (address === undefined) throw new Error('no address');
    owner = await openServerSession(address);
    const more = dialect === 'mysql' ? { database: 'postfixadmin' } : {};
    account = await openServerSession({ ...address, user, password, ...more });
  }, 60_000);
  afterAll(() => {
    owner?.close();
    account?.close();
  });

  const change = (password: string, who = 'both@example.com'): Promise<unknown> =>
    account.query('UPDATE mailbox SET password = ? WHERE username = ?', [password, who]);

  test('show mailboxes, aliases with their targets, and domains', async () => {
    const rows = async (sql: string) => (await owner.query(sql)).rows;
    expect(await rows("SELECT goto FROM postfixadmin.alias WHERE address = 'nested@example.com'")).toEqual([
      ['sales@example.com,Far.Away@else.test'],
    ]);
    expect(await rows("SELECT goto FROM postfixadmin.alias WHERE address = 'anna@example.com'")).toEqual([
      ['anna@example.com'],
    ]);
    expect(
      await rows("SELECT target_domain FROM postfixadmin.alias_domain WHERE alias_domain = 'example.org'"),
    ).toEqual([['example.com']]);
    expect(await rows("SELECT quota, maildir FROM postfixadmin.mailbox WHERE username = 'anna@example.com'")).toEqual([
      [50_000_000, 'example.com/anna/'],
    ]);
  });

  test('a password is changed by its account alone, as a hash, and leaves an event', async () => {
    const hash = '{SSHA512}abcdefghijklmnopqrstuvwxyz';
    await change(hash);
    const [row] = (await owner.query("SELECT password, must_change FROM mailbox WHERE shown = 'both@example.com'"))
      .rows;
    expect(row).toEqual([hash, 0]);
    const { rows } = await owner.query(
      'SELECT actor, action, object, "after", "revision" - "id" FROM event ORDER BY id DESC LIMIT 1',
    );
    expect(rows[0]?.slice(0, 3)).toEqual(['sql:posthaste_password', 'mailbox.set', 'both@example.com']);
    expect(JSON.parse(String(rows[0]?.[3]))).toMatchObject({
      address: 'both@example.com',
      enabled: true,
      password: 'changed',
      passwordChanged: expect.any(Number) as number,
    });
    expect(rows[0]?.[4]).toBe(0);
    const { rows: noted } = await owner.query("SELECT count(*) FROM change_log WHERE tbl = 'mailbox'");
    expect(Number(noted[0]?.[0])).toBeGreaterThan(0);
  });

  test('it cannot pass for one of our nodes, which check and note for themselves', async () => {
    const pretend = dialect === 'mysql' ? 'SET @posthaste_node = 1' : "SET posthaste.node = 'on'";
    await account.query(pretend);
    const count = async () => Number((await owner.query('SELECT count(*) FROM event')).rows[0]?.[0]);
    const noted = async () =>
      Number((await owner.query("SELECT count(*) FROM change_log WHERE tbl = 'mailbox'")).rows[0]?.[0]);
    const [events, notes] = [await count(), await noted()];
    await expect(change('secret')).rejects.toThrow('stored as a hash');
    await account.query(pretend);
    await change('{SSHA512}zyxwvutsrqponmlkjihgfedcba');
    expect([await count(), await noted()]).toEqual([events + 1, notes + 1]);
  });

  test.each(['secret', '{PLAIN}secret-enough', '{plain}secret-enough', '{CLEAR.b64}c2VjcmV0LWVub3VnaA=='])(
    '%s is refused',
    async (text) => {
      await expect(change(text)).rejects.toThrow('stored as a hash');
    },
  );

  test('the account can do nothing else', async () => {
    for (const sql of [
      'SELECT password FROM mailbox',
      "UPDATE mailbox SET name = 'x' WHERE username = 'both@example.com'",
      'SELECT * FROM alias',
      'DELETE FROM mailbox',
    ]) {
      await expect(account.query(sql)).rejects.toThrow(/denied|permission|cannot delete/);
    }
  });
});
