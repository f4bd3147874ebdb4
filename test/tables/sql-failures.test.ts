// What mysql: and pgsql: tables do when a server is down, silent, slow, full or started again: fail over, or say
// "could not find out" in good time; never "not found".

import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { MemoryLog } from '../../src/lib/log.ts';
import { TemporaryError } from '../../src/lib/temporary-error.ts';
import { Tables } from '../../src/tables/registry.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { hasSqlServers, SqlServers } from './sql-servers.ts';

const query = "SELECT target FROM alias WHERE name = '%s'";
const serverLimits = { connectMilliseconds: 300, queryMilliseconds: 300, maxConnections: 3, maxWaiting: 20 };

/** Accepts and says nothing. */
async function startSilentServer(): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port, close };
}

// Skipped where MariaDB or PostgreSQL (scripts/install-test-servers) is not there; CI installs them and counts a skip as a failure.
describe.skipIf(!hasSqlServers)('SQL servers in trouble (packages mariadb-server, postgresql)', () => {
  const servers = new SqlServers();
  const opened: Tables[] = [];
  const log = new MemoryLog();
  beforeAll(() => servers.start());
  afterAll(async () => {
    for (const tables of opened) tables.close();
    await servers.stop();
  });

  function open(table: string) {
    const tables = new Tables({ log, isWatching: false, serverLimits });
    opened.push(tables);
    return tables.open(table);
  }

  async function stop(type: 'mysql' | 'pgsql'): Promise<void> {
    await (type === 'mysql' ? servers.mariaDb.stop() : servers.postgreSql.stop());
  }

  async function start(type: 'mysql' | 'pgsql'): Promise<void> {
    await (type === 'mysql' ? servers.mariaDb.start() : servers.postgreSql.start());
  }

  function send(type: 'mysql' | 'pgsql', signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (type === 'mysql') servers.mariaDb.signal(signal);
    else servers.postgreSql.signalAll(signal);
  }

  const portOf = (type: 'mysql' | 'pgsql'): number => (type === 'mysql' ? servers.mariaDb : servers.postgreSql).port;

  describe.each(['mysql', 'pgsql'] as const)('%s', (type) => {
    test('a server that is stopped is a temporary error, and at once; started again, it is found again', async () => {
      const table = open(servers.table(type, { query }));
      expect(await table.lookup('joe')).toMatchObject({ value: 'bare' });
      await stop(type);
      try {
        await expect(table.lookup('joe')).rejects.toThrow(TemporaryError);
        await expect(table.lookup('nosuch')).rejects.toThrow('no server can be asked');
        const many = await Promise.allSettled(Array.from({ length: 50 }, () => table.lookup('joe')));
        expect(many.every((one) => one.status === 'rejected' && one.reason instanceof TemporaryError)).toBe(true);
      } finally {
        await start(type);
      }
      const found = async (): Promise<unknown> => await table.lookup('joe').catch((error: unknown) => error);
      await vi.waitFor(async () => expect(await found()).toMatchObject({ value: 'bare' }), {
        timeout: 8000,
        interval: 50,
      });
    });
    test('a server that was started again between two lookups costs nobody an answer', async () => {
      const table = open(servers.table(type, { query }));
      await Promise.all(Array.from({ length: 9 }, () => table.lookup('joe')));
      await stop(type);
      await start(type);
      const again = await Promise.all(Array.from({ length: 9 }, () => table.lookup('joe')));
      expect(again.every((one) => one.kind === 'found')).toBe(true);
    });
    test('the others are asked when one is down, silent, or nowhere', async () => {
      const [closed = 0] = await findFreePorts(1);
      const silent = await startSilentServer();
      const hosts = `127.0.0.1:${closed}, inet:127.0.0.1:${silent.port} nosuch.invalid 127.0.0.1:${portOf(type)}`;
      try {
        // Whatever the order that chance gives.
        for (let round = 0; round < 3; round++) {
          const table = open(servers.table(type, { query, hosts }));
          expect(await table.lookup('joe')).toMatchObject({ value: 'bare' });
          expect(await table.lookup('nosuch')).toEqual({ kind: 'not-found' });
        }
        const alone = open(servers.table(type, { query, hosts: `127.0.0.1:${silent.port}` }));
        await expect(alone.lookup('joe')).rejects.toThrow(TemporaryError);
      } finally {
        silent.close();
      }
    });
    test('a server that hangs is given up in time, and found again', async () => {
      const table = open(servers.table(type, { query }));
      expect(await table.lookup('joe')).toMatchObject({ value: 'bare' });
      send(type, 'SIGSTOP');
      // A signal takes its time on a busy machine.
      await sleep(100);
      try {
        const started = performance.now();
        await expect(table.lookup('joe')).rejects.toThrow('no answer within 0.3 s');
        await expect(table.lookup('joe')).rejects.toThrow(TemporaryError);
        expect(performance.now() - started).toBeLessThan(3000);
      } finally {
        send(type, 'SIGCONT');
      }
      const found = async (): Promise<unknown> => await table.lookup('joe').catch((error: unknown) => error);
      await vi.waitFor(async () => expect(await found()).toMatchObject({ value: 'bare' }), {
        timeout: 8000,
        interval: 50,
      });
    });
    test('a slow query is given up alone; more lookups than may wait are refused', async () => {
      const sleep = type === 'mysql' ? 'SELECT sleep(2)' : "SELECT 'late' FROM pg_sleep(2)";
      const tables = new Tables({ log, isWatching: false, serverLimits });
      opened.push(tables);
      const slow = tables.open(servers.table(type, { query: sleep }));
      const quick = tables.open(servers.table(type, { query }));
      expect(await quick.lookup('joe')).toMatchObject({ value: 'bare' });
      const late = slow.lookup('a').catch((error: unknown) => error);
      const timer = setInterval(() => void quick.lookup('joe').catch(() => undefined), 20);
      expect(await late).toBeInstanceOf(TemporaryError);
      clearInterval(timer);
      expect(await quick.lookup('joe')).toMatchObject({ value: 'bare' });
      const flood = await Promise.allSettled(Array.from({ length: 60 }, () => quick.lookup('joe')));
      const refused = flood.filter((one) => one.status === 'rejected');
      expect(refused.length).toBeGreaterThan(0);
      for (const one of refused) expect(one.reason).toBeInstanceOf(TemporaryError);
      expect(await quick.lookup('joe')).toMatchObject({ value: 'bare' });
    });
    test('a wrong password, a database that is not there: said, without the password', async () => {
      for (const wrong of [{ password: 'hidden-word' }, { dbname: 'nosuch' }]) {
        // The PostgreSQL of the tests trusts everybody.
        if (type === 'pgsql' && 'password' in wrong) continue;
        const table = open(servers.table(type, { query, ...wrong }));
        await expect(table.lookup('joe')).rejects.toThrow(TemporaryError);
      }
      expect(log.lines.filter((line) => line.includes('hidden-word') || line.includes('secret'))).toEqual([]);
    });
    test('after the tables are closed a lookup that is still open is answered', async () => {
      const tables = new Tables({ log, isWatching: false, serverLimits });
      const table = tables.open(servers.table(type, { query }));
      const first = table.lookup('joe');
      tables.close();
      expect(await first).toMatchObject({ value: 'bare' });
      expect(await table.lookup('joe')).toMatchObject({ value: 'bare' });
    });
  });

  test('lookups that go together are answered one by one: a refused or slow one costs the others nothing', async () => {
    const tables = new Tables({ log, isWatching: false, serverLimits });
    opened.push(tables);
    const good = tables.open(servers.table('mysql', { query: `${query};` }));
    const bad = tables.open(servers.table('mysql', { query: "SELECT nothing FROM alias WHERE name = '%s'" }));
    const slow = tables.open(servers.table('mysql', { query: "SELECT sleep(1) WHERE 'slow' = '%s'" }));
    const outcome = async (answer: Promise<unknown>): Promise<unknown> => await answer.catch((error: unknown) => error);
    expect(await good.lookup('joe')).toMatchObject({ value: 'bare' });
    for (const [other, key] of [
      [bad, 'joe'],
      [slow, 'slow'],
    ] as const) {
      const answers = await Promise.all([
        ...['joe', 'nosuch', 'example.com'].map((name) => outcome(good.lookup(name))),
        outcome(other.lookup(key)),
        ...['JOE', 'nosuch', "o'hara@example.com"].map((name) => outcome(good.lookup(name))),
      ]);
      expect(answers).toMatchObject([
        { value: 'bare' },
        { kind: 'not-found' },
        { value: 'domain' },
        expect.any(TemporaryError),
        { value: 'bare' },
        { kind: 'not-found' },
        { value: 'quote' },
      ]);
    }
  });
  test('one connection is used again, tables share it, and it is closed when idle', async () => {
    const tables = new Tables({ log, isWatching: false });
    opened.push(tables);
    const idle = { idle_interval: '1s' };
    const one = tables.open(servers.table('mysql', { query: 'SELECT connection_id()', ...idle }));
    const other = tables.open(servers.table('mysql', { query: "SELECT connection_id(), ''", ...idle }));
    const ids = new Set<unknown>();
    for (let round = 0; round < 3; round++) {
      ids.add(((await one.lookup('a')) as { value?: string }).value);
      ids.add(((await other.lookup('a')) as { value?: string }).value);
    }
    expect(ids.size).toBe(1);
    const count = "SELECT count(*) FROM information_schema.processlist WHERE user = 'reader'";
    const id = [...ids][0] as string;
    const isOpen = (): boolean => servers.mariaDb.execute(`${count} AND id = ${id}`).trim().endsWith('1');
    expect(isOpen()).toBe(true);
    await vi.waitFor(() => expect(isOpen()).toBe(false), { timeout: 5000, interval: 100 });
    expect(await one.lookup('a')).toMatchObject({ kind: 'found' });
  });

  test('"too many connections" leaves those that there are', async () => {
    const limitConnections = (limit: number): void => {
      for (const host of ['%', 'localhost']) {
        servers.mariaDb.execute(`ALTER USER reader@'${host}' WITH MAX_USER_CONNECTIONS ${limit}`);
      }
    };
    limitConnections(1);
    try {
      const table = open(servers.table('mysql', { query: 'SELECT connection_id() FROM DUAL WHERE sleep(0.01) = 0' }));
      const answers = await Promise.all(Array.from({ length: 10 }, () => table.lookup('a')));
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    } finally {
      limitConnections(0);
    }
  });
});
