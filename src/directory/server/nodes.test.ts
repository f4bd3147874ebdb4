// Several nodes on one server: what they do at once, what each sees of the others, and what becomes of it when a node, the
// connection or the server breaks in the middle.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CuttingProxy } from '../../../test/harness/cutting-at-text.ts';
import { DirectoryServers, serverDialects } from '../../../test/harness/directory-servers.ts';
import { openServerSession } from '../../database/server/open-session.ts';
import type { ServerSession, SqlValue } from '../../database/server/server-session.ts';
import { openSqlite } from '../../database/sqlite.ts';
import { systemClock } from '../../lib/clock.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { Directory } from '../directory.ts';
import { DirectoryRefusedError } from '../refusal.ts';
import { findVirtualAlias } from '../virtual-alias.ts';
import { directoryTables } from './directory-tables.ts';
import { pruneLog } from './prune-log.ts';
import { replicaFile } from './replica-path.ts';
import type { DirectoryServer } from './server-settings.ts';

const servers = new DirectoryServers();
const folder = mkdtempSync(join(tmpdir(), 'nodes-'));
const opened: Directory[] = [];
let nodes = 0;

beforeAll(() => servers.start());
afterEach(() => {
  for (const directory of opened.splice(0)) directory.close();
});
afterAll(async () => {
  await servers.stop();
  rmSync(folder, { recursive: true });
});

interface Node {
  readonly directory: Directory;
  readonly file: string;
  readonly told: string[];
}

async function openNode(server: DirectoryServer): Promise<Node> {
  const told: string[] = [];
  const file = replicaFile(mkdtempSync(join(folder, `node${++nodes}-`)));
  const limits = { connectMilliseconds: 2000, queryMilliseconds: 2000 };
  const options = { clock: systemClock, actor: 'tester', limits, warn: (text: string) => void told.push(text) };
  const directory = await Directory.openOnServer(server, file, options);
  opened.push(directory);
  return { directory, file, told };
}

/** What a node has once no answer holds that it was given before. */
async function compared({ directory }: Node): Promise<void> {
  await sleep(2);
  await directory.fresh();
}

async function isKnown(node: Node, address: string): Promise<boolean> {
  const { directory } = node;
  await compared(node);
  return findVirtualAlias(directory.lookups, address).kind === 'found';
}

/** Every row of the node's copy is the server's. */
async function expectEqual(session: ServerSession, node: Node): Promise<void> {
  await compared(node);
  const copy = openSqlite(node.file, { readonly: true });
  for (const { name, columns, key } of await directoryTables()) {
    const sql = `SELECT ${columns.map((one) => `"${one.name}"`).join(', ')} FROM "${name}" ORDER BY ${key.map((one) => `"${one}"`).join(', ')}`;
    const theirs = (await session.query(sql)).rows;
    expect([name, copy.prepare(sql).raw().all() as SqlValue[][]]).toEqual([name, theirs]);
  }
  copy.close();
}

const mailbox = (node: Node, address: string) => node.directory.mailboxes.add({ address, passwordHash: 'x' });

// Needs Debian's mariadb-server and postgresql: of each that is not installed the tests are left out.
describe.each(serverDialects)('nodes on %s', (dialect) => {
  let server: DirectoryServer;
  let session: ServerSession;

  const begin = async (count: number): Promise<Node[]> => {
    server = servers.newDatabase(dialect).server;
    const [address] = server.addresses;
    if (address === undefined) throw new Error('no address');
    const made = await Promise.all(Array.from({ length: count }, () => openNode(server)));
    session = await openServerSession(address);
    return made;
  };

  /** And waits until no answer of before is good any more (freshness.ts). */
  const bySql = async (sql: string): Promise<void> => {
    await session.query(sql);
    await sleep(5);
  };

  it('write the same rows at once: nobody gets an error that is not his, and nothing is doubled', async () => {
    const [one, two] = (await begin(2)) as [Node, Node];
    await one.directory.domains.add('example.com');
    const names = Array.from({ length: 12 }, (_, index) => `user${index}@example.com`);
    const attempts = [one, two].flatMap((node) => names.map((name) => mailbox(node, name)));
    const results = await Promise.allSettled(attempts);
    const failures = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as Error);
    expect(failures).toHaveLength(12);
    for (const failure of failures) expect(failure).toBeInstanceOf(DirectoryRefusedError);
    for (const failure of failures) expect(failure.message).toMatch(/exists already/);
    const boxes = await two.directory.mailboxes.list();
    expect(boxes.map(({ address }) => address).toSorted()).toEqual(names.toSorted());
    expect(new Set(boxes.map(({ id }) => id)).size).toBe(12);
    await expectEqual(session, one);
    await expectEqual(session, two);

    // The id of one that is gone for ever names no other's mail, whoever gives the next.
    const last = Math.max(...boxes.map(({ id }) => id));
    const { address = '' } = boxes.find(({ id }) => id === last) ?? {};
    await one.directory.mailboxes.remove(address);
    await one.directory.mailboxes.purge(last);
    expect((await mailbox(two, 'new@example.com')).id).toBe(last + 1);
    session.close();
  });

  it('see at once what another node, or anybody by SQL, has changed', async () => {
    const [one, two] = (await begin(2)) as [Node, Node];
    await one.directory.domains.add('example.com');
    await mailbox(one, 'anna@example.com');
    expect(await isKnown(two, 'anna@example.com')).toBe(true);
    await bySql("UPDATE mailbox SET localpart = 'berta' WHERE localpart = 'anna'");
    expect([await isKnown(two, 'anna@example.com'), await isKnown(two, 'berta@example.com')]).toEqual([false, true]);
    // Two that change their names with each other, and an id that the server gave.
    await mailbox(two, 'carl@example.com');
    await bySql(`UPDATE mailbox SET localpart = 'x' WHERE localpart = 'carl'`);
    await bySql(`UPDATE mailbox SET localpart = 'carl' WHERE localpart = 'berta'`);
    await bySql(`UPDATE mailbox SET localpart = 'berta' WHERE localpart = 'x'`);
    await bySql(
      `INSERT INTO domain (name, kind, active, transport, created) VALUES ('typed.example', 'mailbox', 1, '', 0)`,
    );
    await bySql("DELETE FROM alias WHERE localpart = 'abuse'");
    expect(await isKnown(one, 'abuse@example.com')).toBe(false);
    expect((await one.directory.domains.add('next.example')).name).toBe('next.example');
    await expectEqual(session, one);
    await expectEqual(session, two);
    session.close();
  });

  it('share what logins leave behind', async () => {
    const [one, two] = (await begin(2)) as [Node, Node];
    await one.directory.domains.add('example.com');
    const { id } = await mailbox(one, 'anna@example.com');
    const added = await one.directory.appPasswords.add({ mailbox: 'anna@example.com', name: 'phone', digest: 'd' });
    const keys = { salt: Buffer.from('s'), iterations: 4096, storedKey: Buffer.from('a'), serverKey: Buffer.from('b') };
    one.directory.notes.scramKeys({ mailbox: id, hash: 'sha256', appPasswordId: 0, madeOf: 'm', ...keys });
    one.directory.notes.appPasswordUsed({ id: added.id, time: 5, protocol: 'imap', address: '192.0.2.1' });
    // Meanwhile another node changes the row that the note is about.
    await session.query("UPDATE app_password SET protocols = 'imap'");
    expect(await one.directory.settle()).toBe(true);
    await two.directory.fresh();
    expect(two.directory.lookups.secrets.scramKeys(id, 'sha256')).toMatchObject([{ madeOf: 'm', iterations: 4096 }]);
    expect(await two.directory.appPasswords.list('anna@example.com')).toMatchObject([
      { protocols: ['imap'], used: { time: 5, protocol: 'imap', address: '192.0.2.1' } },
    ]);
    await expectEqual(session, one);
    session.close();
  });

  it('copy everything where the log does not reach back, or the server has another history', async () => {
    const [one] = (await begin(1)) as [Node];
    await one.directory.domains.add('example.com');
    await mailbox(one, 'anna@example.com');
    one.directory.close();
    const away = await openNode(server);
    await session.query('UPDATE mailbox SET quota = 1');
    for (let index = 0; index < 5; index++) await session.query(`UPDATE mailbox SET quota = ${index}`);
    await pruneLog(session, 2);
    expect(Number((await session.query('SELECT count(*) FROM change_log')).rows[0]?.[0])).toBeLessThan(5);
    await expectEqual(session, away);
    expect(away.told.filter((text) => text.startsWith('copying'))).toHaveLength(2);
    // Restored from a backup: the numbers of revisions are given again, to other changes.
    await session.query('UPDATE change_state SET revision = revision - 2, stamp = 7');
    await session.query("UPDATE mailbox SET localpart = 'berta'");
    await session.query("UPDATE mailbox SET localpart = 'carl'");
    expect(await isKnown(away, 'carl@example.com')).toBe(true);
    await expectEqual(session, away);
    session.close();
  });

  it('lose nothing when one is killed between the two commits', async () => {
    const [one] = (await begin(1)) as [Node];
    await one.directory.domains.add('example.com');
    one.directory.close();
    const { addresses: _addresses, ...named } = server;
    const text = `
      import { Directory } from '${join(import.meta.dirname, '../directory.ts')}';
      import { systemClock as clock } from '${join(import.meta.dirname, '../../lib/clock.ts')}';
      const server = ${JSON.stringify({ ...named, addresses: server.addresses })};
      const options = { clock, actor: 'killed', warn: () => undefined, onCommitted: async () => process.kill(process.pid, 'SIGKILL') };
      const directory = await Directory.openOnServer(server, ${JSON.stringify(one.file)}, options);
      await directory.mailboxes.add({ address: 'anna@example.com', passwordHash: 'x' });`;
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '-e', text];
    const signal = await new Promise((resolve) => {
      spawn(process.execPath, args, { stdio: 'inherit' }).on('exit', (_code, ended) => resolve(ended));
    });
    expect(signal).toBe('SIGKILL');
    const again = await Directory.openOnServer(server, one.file, {
      clock: systemClock,
      actor: 'again',
      warn: () => undefined,
    });
    opened.push(again);
    const node = { directory: again, file: one.file, told: [] };
    expect(await isKnown(node, 'anna@example.com')).toBe(true);
    await expectEqual(session, node);
    session.close();
  });

  it.each(['before', 'after'] as const)('make a change once when the connection breaks %s COMMIT', async (moment) => {
    await begin(0);
    const [address] = server.addresses;
    if (address === undefined) throw new Error('no address');
    const { socket = '', port, ...rest } = address;
    const proxy = new CuttingProxy({ path: dialect === 'mysql' ? socket : join(socket, `.s.PGSQL.${port}`) });
    await proxy.listen();
    const node = await openNode({
      ...server,
      addresses: [{ ...rest, name: 'proxy', host: '127.0.0.1', port: proxy.port }],
    });
    await node.directory.domains.add('example.com');
    proxy.cut = { text: 'COMMIT', moment };
    expect((await mailbox(node, 'anna@example.com')).address).toBe('anna@example.com');
    expect(proxy.cut).toBeUndefined();
    expect(await node.directory.mailboxes.list()).toHaveLength(1);
    const events = await node.directory.events({ object: 'anna@example.com' });
    expect(events.map(({ action }) => action)).toEqual(['mailbox.add']);
    await expectEqual(session, node);
    node.directory.close();
    await proxy.close();
    session.close();
  });

  it('say "try again" while the server is down or silent, and go on by themselves', async () => {
    const [one] = (await begin(1)) as [Node];
    await one.directory.domains.add('example.com');
    await mailbox(one, 'anna@example.com');
    session.close();
    await servers.pause(dialect, async () => {
      await expect(isKnown(one, 'anna@example.com')).rejects.toThrow(TemporaryError);
      await expect(isKnown(one, 'nobody@example.com')).rejects.toThrow(/cannot be asked/);
      await expect(one.directory.domains.list()).rejects.toThrow(TemporaryError);
      await expect(mailbox(one, 'berta@example.com')).rejects.toThrow(TemporaryError);
    });
    const answer = async (): Promise<boolean> => {
      for (;;) {
        try {
          return await isKnown(one, 'anna@example.com');
        } catch (error) {
          if (!(error instanceof TemporaryError)) throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    };
    expect(await answer()).toBe(true);
    await mailbox(one, 'berta@example.com');
    await servers.restart(dialect, async () => {
      await expect(isKnown(one, 'anna@example.com')).rejects.toThrow(TemporaryError);
      // It can be opened meanwhile, and says nothing.
      const late = await openNode(server);
      await expect(isKnown(late, 'anna@example.com')).rejects.toThrow(TemporaryError);
      expect(() => late.directory.lookups.domain('example.com')).toThrow(TemporaryError);
    });
    expect(await answer()).toBe(true);
    expect(await isKnown(one, 'berta@example.com')).toBe(true);
  });
});
