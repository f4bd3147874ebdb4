// What bringing a directory up to date would do, tried on a copy: a file beside directory.db, or a scratch schema (PostgreSQL) or
// database (MariaDB, MySQL) on the same server, with all rows. The copy is removed in the end; the directory is only read.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Kysely, SqliteDialect } from 'kysely';
import {
  inServerTransaction,
  quoteName,
  ServerRefusal,
  type ServerSession,
} from '../../database/server/server-session.ts';
import { openSqlite, type SqliteConnection } from '../../database/sqlite.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Migration, migrations } from '../database.ts';
import { DirectoryOpenError, DirectoryRefusedError } from '../refusal.ts';
import type { ServerLink } from './server-link.ts';
import { countRows, createServerSchema, serverSchemaVersion, tableNames } from './server-schema.ts';

export interface DryRun {
  readonly from: number;
  readonly to: number;
  readonly migrations: readonly { readonly version: number; readonly name: string }[];
  /** In their order. */
  readonly statements: readonly string[];
  /** Tables that were there before, with their rows before and after. */
  readonly tables: readonly { readonly table: string; readonly before: number; readonly after: number }[];
  readonly milliseconds: number;
}

interface DryRunOptions {
  readonly clock: Clock;
  /** Another list than this version's, for tests. */
  readonly migrations?: readonly Migration[];
}

/** Rows that are not worth copying. */
const withoutRows = new Set(['change_log', 'migration_lock']);

export async function dryRunOnFile(file: string, options: DryRunOptions): Promise<DryRun> {
  const { clock, migrations: all = migrations } = options;
  const folder = mkdtempSync(join(dirname(file), 'dry-run-'));
  try {
    const source = openSqlite(file, { readonly: true, busyTimeout: 5000 });
    const copyFile = join(folder, 'directory.db');
    source.prepare('VACUUM INTO ?').run(copyFile);
    source.close();
    const copy = openSqlite(copyFile, { synchronous: 'NORMAL' });
    const from = Number(copy.prepare('SELECT max(version) FROM migration').pluck().get());
    const pending = pendingOf(all, from);
    const names = tablesOf(copy);
    const before = names.map((name) => countIn(copy, name));
    const statements: string[] = [];
    const db = new Kysely<unknown>({
      dialect: new SqliteDialect({ database: copy }),
      log: ({ query }) => void statements.push(query.sql),
    });
    const start = clock.monotonic();
    for (const migration of pending) await migration.up(db);
    const milliseconds = clock.monotonic() - start;
    const now = new Set(tablesOf(copy));
    const tables = names.map((table, index) => ({
      table,
      before: before[index] ?? 0,
      after: now.has(table) ? countIn(copy, table) : 0,
    }));
    copy.close();
    return { from, to: lastOf(all), migrations: pending.map(named), statements, tables, milliseconds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function dryRunOnServer(link: ServerLink, options: DryRunOptions): Promise<DryRun> {
  const { clock, migrations: all = migrations } = options;
  const scratch = `posthaste_dry_run_${randomBytes(4).toString('hex')}`;
  const session = await link.open();
  try {
    const from = await serverSchemaVersion(session);
    const pending = pendingOf(all, from);
    const names = [...(await tableNames(session))].toSorted();
    await makeScratch(session, scratch, names);
    const open = async (): Promise<ServerSession> => {
      const other = await link.open();
      await other.query(
        session.dialect === 'mysql' ? `USE ${quoteName(scratch)}` : `SET search_path = ${quoteName(scratch)}`,
      );
      return other;
    };
    const inScratch = await open();
    const counted = names.filter((name) => !/^(change|migration)/.test(name));
    const before = await counts(inScratch, counted);
    const statements: string[] = [];
    const onStatement = (sql: string): void => void statements.push(sql);
    const start = clock.monotonic();
    await createServerSchema({ open, clock, migrations: all, onStatement });
    const milliseconds = clock.monotonic() - start;
    const remaining = await tableNames(inScratch);
    const after = await counts(
      inScratch,
      counted.filter((name) => remaining.has(name)),
    );
    inScratch.close();
    const tables = counted.map((table) => ({ table, before: before.get(table) ?? 0, after: after.get(table) ?? 0 }));
    return { from, to: lastOf(all), migrations: pending.map(named), statements, tables, milliseconds };
  } finally {
    await dropScratch(session, scratch);
    session.close();
  }
}

async function makeScratch(session: ServerSession, scratch: string, names: readonly string[]): Promise<void> {
  const isMysql = session.dialect === 'mysql';
  try {
    await session.query(`CREATE ${isMysql ? 'DATABASE' : 'SCHEMA'} ${quoteName(scratch)}`);
  } catch (error) {
    if (!(error instanceof ServerRefusal)) throw error;
    const grant = isMysql ? 'GRANT ALL ON `posthaste_dry_run_%`.* TO USER' : 'GRANT CREATE ON DATABASE NAME TO USER';
    throw new DirectoryRefusedError(`a dry run needs a copy on the server: ${grant} (${error.message})`);
  }
  await inServerTransaction(session, 'write', async () => {
    for (const name of names) {
      const copy = `${quoteName(scratch)}.${quoteName(name)}`;
      const like = isMysql ? ` LIKE ${quoteName(name)}` : ` (LIKE ${quoteName(name)} INCLUDING ALL)`;
      await session.query(`CREATE TABLE ${copy}${like}`);
      if (!withoutRows.has(name)) await session.query(`INSERT INTO ${copy} SELECT * FROM ${quoteName(name)}`);
    }
  });
}

async function dropScratch(session: ServerSession, scratch: string): Promise<void> {
  const isMysql = session.dialect === 'mysql';
  const drop = isMysql
    ? `DROP DATABASE IF EXISTS ${quoteName(scratch)}`
    : `DROP SCHEMA IF EXISTS ${quoteName(scratch)} CASCADE`;
  if (session.isOpen) await session.query(drop);
}

async function counts(session: ServerSession, names: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const name of names) found.set(name, await countRows(session, name));
  return found;
}

function tablesOf(connection: SqliteConnection): string[] {
  return connection
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'migration' ORDER BY name",
    )
    .pluck()
    .all() as string[];
}

function countIn(connection: SqliteConnection, table: string): number {
  return Number(
    connection
      .prepare(`SELECT count(*) FROM ${quoteName(table)}`)
      .pluck()
      .get(),
  );
}

function lastOf(all: readonly Migration[]): number {
  return all.at(-1)?.version ?? 0;
}

function named({ version, name }: Migration) {
  return { version, name };
}

function pendingOf(all: readonly Migration[], from: number): Migration[] {
  if (from > lastOf(all)) {
    throw new DirectoryOpenError(
      `the directory has schema ${from} and this version knows ${lastOf(all)}: run the newer version`,
    );
  }
  return all.filter(({ version }) => version > from);
}
