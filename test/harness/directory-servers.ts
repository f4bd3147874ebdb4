// The servers that a directory may be on: one MariaDB and one PostgreSQL for a file of tests, with a new database for each
// test that asks for one.

import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerDialect } from '../../src/database/server/server-session.ts';
import { type DirectoryServer, readDirectoryServer } from '../../src/directory/server/server-settings.ts';
import { hasMariaDb, MariaDbServer } from './mariadb.ts';
import { hasPostgreSql, PostgreSqlServer } from './postgresql.ts';

export const serverDialects: readonly ServerDialect[] = [
  ...(hasPostgreSql || process.env['CI'] === 'true' ? (['postgresql'] as const) : []),
  ...(hasMariaDb || process.env['CI'] === 'true' ? (['mysql'] as const) : []),
];

/** Nobody cuts the power in these tests. */
const hasty = [
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=0',
  '--innodb-flush-method=nosync',
  '--sync-binlog=0',
];

/** Containers often have 64 MiB of it. */
const neededOctets = 2 * 1024 ** 3;

/** In memory where there is such a folder with room: a schema on MariaDB is two hundred flushes. */
export function quickFolder(): string {
  if (!existsSync('/dev/shm')) return tmpdir();
  const { bavail, bsize } = statfsSync('/dev/shm');
  return bavail * bsize > neededOctets ? '/dev/shm' : tmpdir();
}

export class DirectoryServers {
  readonly folder: string;
  readonly #mariadb: MariaDbServer;
  readonly #postgresql: PostgreSqlServer;
  #databases = 0;

  constructor() {
    this.folder = mkdtempSync(join(quickFolder(), 'directory-servers-'));
    // The servers' users go through it.
    chmodSync(this.folder, 0o755);
    this.#mariadb = new MariaDbServer(join(this.folder, 'm'));
    this.#postgresql = new PostgreSqlServer(join(this.folder, 'p'));
  }

  async start(dialects: readonly ServerDialect[] = serverDialects): Promise<void> {
    await Promise.all([
      dialects.includes('postgresql') && this.#postgresql.start(),
      dialects.includes('mysql') && this.#mariadb.start(hasty),
    ]);
  }

  server(dialect: ServerDialect): MariaDbServer | PostgreSqlServer {
    return dialect === 'mysql' ? this.#mariadb : this.#postgresql;
  }

  execute(dialect: ServerDialect, database: string, sql: string): string {
    return this.server(dialect).execute(sql, database);
  }

  /** A new database, and the file that names it in posthaste_directory. */
  newDatabase(dialect: ServerDialect): {
    readonly database: string;
    readonly file: string;
    readonly server: DirectoryServer;
  } {
    const database = `directory${++this.#databases}`;
    this.server(dialect).execute(`CREATE DATABASE ${database}`);
    const isMysql = dialect === 'mysql';
    const socket = isMysql
      ? this.#mariadb.socket
      : join(this.#postgresql.socketFolder, `.s.PGSQL.${this.#postgresql.port}`);
    const file = join(this.folder, `${database}.cf`);
    const lines = [`hosts = unix:${socket}`, `user = ${isMysql ? 'root' : 'postgres'}`, `dbname = ${database}`, ''];
    writeFileSync(file, lines.join('\n'), { mode: 0o600 });
    return { database, file, server: readDirectoryServer({ kind: 'server', dialect, file }) };
  }

  /** The server accepts connections and says nothing while `work` runs. */
  async pause(dialect: ServerDialect, work: () => Promise<void>): Promise<void> {
    const signal = (name: 'SIGSTOP' | 'SIGCONT'): void =>
      dialect === 'mysql' ? this.#mariadb.signal(name) : this.#postgresql.signalAll(name);
    signal('SIGSTOP');
    try {
      await work();
    } finally {
      signal('SIGCONT');
    }
  }

  /** The server is down while `work` runs. */
  async restart(dialect: ServerDialect, work: () => Promise<void>): Promise<void> {
    await this.server(dialect).stop();
    try {
      await work();
    } finally {
      await this.start([dialect]);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.#mariadb.stop('SIGKILL'), this.#postgresql.stop('SIGQUIT')]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
