// Opens directory.db: one connection for changes (Kysely, immediate transactions) and one read-only connection for
// the lookups that mail waits for. Brings the schema to this version's state, in one transaction that other
// processes wait for, so that two starts at once make it once. It never destroys: a file from a newer version, or
// one that is not ours, is refused with the reason and left as it is.

import { existsSync, statSync } from 'node:fs';
import { Kysely, SqliteDialect, sql } from 'kysely';
import { withKeptStatements } from '../database/kept-statements.ts';
import { openSqlite, type SqliteConnection, sqliteCode } from '../database/sqlite.ts';
import type { Clock } from '../lib/clock.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { up as initial } from './migrations/0001-initial.ts';
import { up as people } from './migrations/0002-people.ts';
import { up as loginSecrets } from './migrations/0003-login-secrets.ts';
import { up as defence } from './migrations/0004-defence.ts';
import { up as senderRights } from './migrations/0005-sender-rights.ts';
import { up as hosting } from './migrations/0006-hosting.ts';
import { up as administration } from './migrations/0007-administration.ts';
import { up as recovery } from './migrations/0008-recovery.ts';
import { up as adminLogins } from './migrations/0009-admin-logins.ts';
import { up as webhookNames } from './migrations/0010-webhook-names.ts';
import { DirectoryClosedError, DirectoryOpenError } from './refusal.ts';
import type { DirectorySchema } from './schema.ts';

export type DirectoryDatabase = Kysely<DirectorySchema>;

export interface Migration {
  readonly version: number;
  readonly name: string;
  up(db: Kysely<unknown>): Promise<void>;
}

/** In this order; a number is never used again. */
export const migrations: readonly Migration[] = [
  { version: 1, name: 'initial', up: initial },
  { version: 2, name: 'people', up: people },
  { version: 3, name: 'login-secrets', up: loginSecrets },
  { version: 4, name: 'defence', up: defence },
  { version: 5, name: 'sender-rights', up: senderRights },
  { version: 6, name: 'hosting', up: hosting },
  { version: 7, name: 'administration', up: administration },
  { version: 8, name: 'recovery', up: recovery },
  { version: 9, name: 'admin-logins', up: adminLogins },
  { version: 10, name: 'webhook-names', up: webhookNames },
];

export const knownVersion = migrations.at(-1)?.version ?? 0;

/** "PhDi": marks the file as ours (PRAGMA application_id), so that another program's database is left alone. */
const applicationId = 0x50684469;

/** A writer waits this long for another process's transaction; each is a few milliseconds long. */
const writerBusyMilliseconds = 10_000;
/** Lookups run on the server's main thread and wait only for a recovery after a crash of another process. */
const readerBusyMilliseconds = 100;

export interface DirectoryWriter {
  readonly connection: SqliteConnection;
  readonly db: DirectoryDatabase;
  /** Runs `work` alone among all who change the directory, all or nothing; perhaps more than once. */
  transact<T>(work: (transaction: DirectoryDatabase) => Promise<T>): Promise<T>;
}

export interface DirectoryFiles {
  /** Absent when opened for reading only. */
  readonly writer: DirectoryWriter | undefined;
  readonly reader: SqliteConnection;
}

export async function openDirectoryFiles(file: string, isReadonly: boolean, clock: Clock): Promise<DirectoryFiles> {
  if (isReadonly) {
    if (!existsSync(file)) throw new DirectoryOpenError(`${file} does not exist: run "posthaste start" first`);
    return { writer: undefined, reader: openChecked(file, true) };
  }
  // Looked at for reading first: to open for writing already changes a file (WAL, its counters).
  if (existsSync(file) && statSync(file).size > 0) openChecked(file, false).close();
  const connection = openWriter(file);
  try {
    const db = new Kysely<DirectorySchema>({
      dialect: new SqliteDialect({ database: withKeptStatements(connection) }),
    });
    await migrate(file, connection, db, clock);
    const transact: DirectoryWriter['transact'] = (work) => inTransaction(db, work);
    return { writer: { connection, db, transact }, reader: openChecked(file, true) };
  } catch (error) {
    connection.close();
    throw error;
  }
}

function openReader(file: string): SqliteConnection {
  return openSqlite(file, { readonly: true, busyTimeout: writerBusyMilliseconds, cacheKib: 32_768 });
}

function openChecked(file: string, mustBeCurrent: boolean): SqliteConnection {
  let reader: SqliteConnection | undefined;
  try {
    reader = openReader(file);
    checkVersion(file, reader, mustBeCurrent);
    reader.pragma(`busy_timeout = ${readerBusyMilliseconds}`);
    return reader;
  } catch (error) {
    reader?.close();
    throw sqliteCode(error) === 'SQLITE_NOTADB' ? notOurs(file) : (closedTo(file, error) ?? error);
  }
}

/** Two processes that turn on WAL at the same moment collide without SQLite's busy handler being asked. */
function openWriter(file: string): SqliteConnection {
  for (let attempt = 1; ; attempt++) {
    try {
      return openSqlite(file, { busyTimeout: writerBusyMilliseconds, cacheKib: 2048 });
    } catch (error) {
      if (sqliteCode(error)?.startsWith('SQLITE_BUSY') !== true || attempt === 50) throw closedTo(file, error) ?? error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

/** What stands in the way is mostly whose file it is. */
function closedTo(file: string, error: unknown): DirectoryClosedError | undefined {
  const code = sqliteCode(error);
  if (code === undefined || !/^SQLITE_(?:CANTOPEN|READONLY)/.test(code)) return undefined;
  return new DirectoryClosedError(`${file} cannot be opened: run this as root or as the user that owns it`);
}

function notOurs(file: string): DirectoryOpenError {
  return new DirectoryOpenError(`${file} is not a Posthaste directory: move it away or set posthaste_data_directory`);
}

/** The version that the file has; 0 when it is empty. Refuses what is not ours or newer. */
function checkVersion(file: string, connection: SqliteConnection, mustBeCurrent: boolean): number {
  const hasTables = connection.prepare("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").pluck().get() !== 0;
  if (hasTables && connection.pragma('application_id', { simple: true }) !== applicationId) throw notOurs(file);
  const version = hasTables ? Number(connection.prepare('SELECT max(version) FROM migration').pluck().get()) : 0;
  if (version > knownVersion) {
    throw new DirectoryOpenError(
      `${file} was made by a newer version of Posthaste (schema ${version}, this one knows ${knownVersion}): run that version, or restore a backup`,
    );
  }
  if (mustBeCurrent && version < knownVersion) {
    throw new DirectoryOpenError(`${file} is from an older version (schema ${version}): run "posthaste start" once`);
  }
  return version;
}

async function migrate(file: string, connection: SqliteConnection, db: DirectoryDatabase, clock: Clock): Promise<void> {
  if (checkVersion(file, connection, false) === knownVersion) return;
  await inTransaction(db, async (transaction) => {
    // Asked again inside: another process may have done it while this one waited for the lock.
    const version = checkVersion(file, connection, false);
    if (version === 0) {
      connection.pragma(`application_id = ${applicationId}`);
      await createMigrationTable(transaction as unknown as Kysely<unknown>);
    }
    const putBack = putViewsAside(connection);
    for (const migration of migrations) {
      if (migration.version <= version) continue;
      await migration.up(transaction as unknown as Kysely<unknown>);
      const { version: number, name } = migration;
      await transaction.insertInto('migration').values({ version: number, name, applied: clock.now() }).execute();
    }
    putBack();
  });
}

/**
 * Views for other programs (`posthaste export`) stand in the way of changes to the tables they are made of. One that cannot
 * be made again is left out: `posthaste drive check` tells.
 */
function putViewsAside(connection: SqliteConnection): () => void {
  const views = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'view'").raw().all();
  for (const [name] of views as [string, string][]) connection.exec(`DROP VIEW "${name.replaceAll('"', '""')}"`);
  return () => {
    for (const [, text] of views as [string, string][]) {
      try {
        connection.exec(text);
      } catch (error) {
        if (sqliteCode(error) !== 'SQLITE_ERROR') throw error;
      }
    }
  };
}

/** Names the migrations that were made. */
export async function createMigrationTable(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('migration')
    .ifNotExists()
    .addColumn('version', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('name', 'varchar(64)', (column) => column.notNull())
    .addColumn('applied', 'bigint', (column) => column.notNull())
    .execute();
}

/**
 * Runs `work` alone among all processes that write. Immediate, since a transaction that first reads and then
 * writes would fail with SQLITE_BUSY_SNAPSHOT when another one has written in between.
 */
export async function inTransaction<T>(
  db: DirectoryDatabase,
  work: (transaction: DirectoryDatabase) => Promise<T>,
): Promise<T> {
  return await db.connection().execute(async (connection) => {
    try {
      await sql`begin immediate`.execute(connection);
    } catch (error) {
      throw sqliteCode(error)?.startsWith('SQLITE_BUSY')
        ? new TemporaryError('the directory is busy: try again')
        : error;
    }
    try {
      const result = await work(connection);
      await sql`commit`.execute(connection);
      return result;
    } catch (error) {
      await sql`rollback`.execute(connection).catch(() => undefined);
      throw error;
    }
  });
}
