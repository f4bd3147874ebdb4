// The directory's schema on real servers: made once by whoever comes, refused where it must be, and what it notes of changes
// that anybody makes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DirectoryServers, serverDialects } from '../../../test/harness/directory-servers.ts';
import { openServerSession } from '../../database/server/open-session.ts';
import type { ServerSession, SqlRow } from '../../database/server/server-session.ts';
import { FakeClock } from '../../lib/clock.ts';
import { knownVersion, migrations } from '../database.ts';
import { DirectoryOpenError } from '../refusal.ts';
import { createServerSchema } from './server-schema.ts';

const servers = new DirectoryServers();
const clock = new FakeClock();

beforeAll(() => servers.start(), 60_000);
afterAll(() => servers.stop());

// Needs Debian's mariadb-server and postgresql: of each that is not installed the tests are left out.
describe.each(serverDialects)('the schema on %s', (dialect) => {
  let open: () => Promise<ServerSession>;
  let session: ServerSession;
  const rows = async (sql: string): Promise<readonly SqlRow[]> => (await session.query(sql)).rows;

  const begin = async (): Promise<void> => {
    const { server } = servers.newDatabase(dialect);
    const [address] = server.addresses;
    if (address === undefined) throw new Error('no address');
    open = () => openServerSession(address);
    session = await open();
  };

  it('is made once by three nodes that start at the same time', async () => {
    await begin();
    const made = await Promise.all([1, 2, 3].map(() => createServerSchema({ open, clock })));
    expect(made.map(({ length }) => length).toSorted((a, b) => a - b)).toEqual([0, 0, migrations.length]);
    expect(await createServerSchema({ open, clock })).toEqual([]);
    expect((await rows('SELECT "version" FROM migration ORDER BY "version"')).at(-1)).toEqual([knownVersion]);
    expect(await rows("SELECT count(*) FROM secret WHERE name = 'scram-salt'")).toEqual([[1]]);
    session.close();
  });

  it('refuses a newer one, and the database of another program', async () => {
    await begin();
    await session.query('CREATE TABLE mailbox (username varchar(255))');
    await expect(createServerSchema({ open, clock })).rejects.toThrow(/another program's table "mailbox".*of its own/);
    await session.query('DROP TABLE mailbox');
    await createServerSchema({ open, clock });
    await session.query('UPDATE change_state SET version = 99');
    await expect(createServerSchema({ open, clock })).rejects.toThrow(/newer version of Posthaste \(schema 99/);
    await expect(createServerSchema({ open, clock })).rejects.toThrow(DirectoryOpenError);
    session.close();
  });

  it('compares octets, trailing blanks and case among them, and keeps every character', async () => {
    await begin();
    await createServerSchema({ open, clock });
    const names = ['a', 'a ', 'A', 'ä', 'Ä', 'a\u0308', '😀', 'x\'\\"', 'ß', 'ss'];
    for (const name of names) await session.query('INSERT INTO setting VALUES (?, ?)', [name, name.repeat(30_000)]);
    const found = await rows('SELECT name, value FROM setting');
    expect(found.map(([name]) => String(name)).toSorted()).toEqual(names.toSorted());
    for (const [name, value] of found) expect(value).toBe(String(name).repeat(30_000));
    expect(await rows("SELECT name FROM setting WHERE name = 'a'")).toEqual([['a']]);
    session.close();
  });

  it('notes every change with the key of its row, whoever makes it, and gives ids that are never given again', async () => {
    await begin();
    await createServerSchema({ open, clock });
    const [before] = await rows('SELECT revision FROM change_state');
    const columns = '(name, kind, active, transport, created)';
    await session.query(
      `INSERT INTO domain ${columns} VALUES ('a.example', 'mailbox', 1, '', 0), ('b.example', 'mailbox', 1, '', 0)`,
    );
    await session.query("DELETE FROM domain WHERE name = 'b.example'");
    await session.query(`INSERT INTO domain ${columns} VALUES ('c.example', 'mailbox', 1, '', 0)`);
    await session.query(`INSERT INTO sender_right VALUES ('a"b', 'x''y', 'l', 's', 1, 0)`);
    await session.query("UPDATE sender_right SET login = 'ä' WHERE login = 'l'");
    expect(await rows('SELECT id, name FROM domain ORDER BY id')).toEqual([
      [1, 'a.example'],
      [3, 'c.example'],
    ]);
    const log = await rows("SELECT tbl, row_key FROM change_log WHERE tbl <> '' ORDER BY seq");
    const keys = log.map(([table, key]) => `${table} ${JSON.stringify(JSON.parse(String(key)))}`);
    expect(keys.toSorted()).toEqual(
      [
        'domain [1]',
        'domain [2]',
        'domain [2]',
        'domain [3]',
        ...['l', 'l', 'ä'].map((login) => `sender_right ["a\\"b","x'y","${login}"]`),
      ].toSorted(),
    );
    const [after] = await rows('SELECT revision FROM change_state');
    expect(Number(after?.[0])).toBeGreaterThanOrEqual(Number(before?.[0]) + 5);
    expect(await rows('SELECT max(revision) FROM change_log')).toEqual([after]);
    session.close();
  });

  it('keeps webhooks where their names become those of their owners, whatever it was interrupted in', async () => {
    const before = migrations.filter(({ version }) => version < 10);
    for (const done of [undefined, 'DROP TABLE webhook', 'ALTER TABLE webhook_new RENAME TO webhook']) {
      await begin();
      await createServerSchema({ open, clock, migrations: before });
      const values = "'https://a.example', 's', 0, '', 1, '', 0, 1, 0, 0, 0)";
      const columns =
        'name, url, secret, owner_id, events, active, note, created, position, failing_since, attempts, next_attempt';
      await session.query(`INSERT INTO webhook (${columns}) VALUES ('gone', ${values}`);
      await session.query(`INSERT INTO webhook (${columns}) VALUES ('billing', ${values}`);
      await session.query(`INSERT INTO webhook_message (webhook_id, body, created) VALUES (2, '{}', 0), (7, '{}', 0)`);
      await session.query("DELETE FROM webhook WHERE name = 'gone'");
      // What MySQL has done is written down a moment later.
      if (done !== undefined && session.dialect === 'mysql') {
        const word = done.slice(0, 5).toLowerCase();
        const onStatement = (sql: string): void => {
          if (sql.startsWith(word) && sql.includes('webhook')) throw new Error('the power fails');
        };
        await expect(createServerSchema({ open, clock, onStatement })).rejects.toThrow('the power fails');
        await session.query(done);
      }
      await createServerSchema({ open, clock });
      expect(await rows('SELECT id, name, owner_id, url FROM webhook')).toEqual([
        [2, 'billing', 0, 'https://a.example'],
      ]);
      expect(await rows('SELECT webhook_id FROM webhook_message')).toEqual([[2]]);
      await session.query(`INSERT INTO webhook (${columns}) VALUES ('billing', ${values.replace(' 0,', ' 4,')}`);
      await expect(session.query(`INSERT INTO webhook (${columns}) VALUES ('billing', ${values}`)).rejects.toThrow();
      expect(await rows('SELECT id, owner_id FROM webhook ORDER BY id')).toEqual([
        [2, 0],
        [3, 4],
      ]);
      session.close();
    }
  });

  it('goes on where it was interrupted', async () => {
    await begin();
    const statements: string[] = [];
    await createServerSchema({ open, clock, onStatement: (sql) => statements.push(sql) });
    expect(statements.length).toBeGreaterThan(40);
    session.close();
    for (const at of [1, 2, 5, 17, 18, statements.length - 1]) {
      await begin();
      let count = 0;
      const onStatement = (): void => {
        if (++count === at) throw new Error('the power fails');
      };
      await expect(createServerSchema({ open, clock, onStatement })).rejects.toThrow('the power fails');
      await createServerSchema({ open, clock });
      expect(await rows('SELECT max("version"), count(*) FROM migration')).toEqual([[knownVersion, migrations.length]]);
      expect(await rows("SELECT count(*) FROM secret WHERE name = 'scram-salt'")).toEqual([[1]]);
      session.close();
    }
  });
});
