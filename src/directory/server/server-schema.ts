// Brings the schema of a directory on a server to this version's state, from the same migrations as directory.db. PostgreSQL
// does it in one transaction; MariaDB and MySQL commit each change of a table by themselves, so what has been done is
// written down step by step, and a start after an interruption goes on from there. Nodes that start at once do it once. Nothing is ever
// destroyed: a newer schema is refused, and so is a database with another program's tables.

import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { createNoteTables, createNoteTriggers, forgetLog, someStamp } from '../../database/server/change-notes.ts';
import { kyselyOnSession } from '../../database/server/kysely-on-session.ts';
import {
  inServerTransaction,
  quoteName,
  ServerRefusal,
  type ServerSession,
  type SqlResult,
  TryAgain,
} from '../../database/server/server-session.ts';
import type { Clock } from '../../lib/clock.ts';
import { createMigrationTable, type Migration, migrations } from '../database.ts';
import { DirectoryOpenError } from '../refusal.ts';
import { directoryTables } from './directory-tables.ts';
import { MigrationLock } from './migration-lock.ts';

export interface ServerSchemaOptions {
  /** Opens a session that may be used for hours: a change of ten million rows takes its time. */
  readonly open: () => Promise<ServerSession>;
  readonly clock: Clock;
  /** Another list than this version's, for tests and dry runs. */
  readonly migrations?: readonly Migration[];
  /** Each statement before it is run. */
  readonly onStatement?: (sql: string) => void;
}

export interface MadeMigration {
  readonly version: number;
  readonly name: string;
}

const maxAttempts = 10;
/** "Posthast", for pg_advisory_xact_lock(). */
const advisoryLock = 0x506f_7374;

/** Makes what is missing. Returns what it has made; DirectoryOpenError where it must not. */
export async function createServerSchema(options: ServerSchemaOptions): Promise<readonly MadeMigration[]> {
  for (let attempt = 1; ; attempt++) {
    const session = await options.open();
    try {
      return await new SchemaMaker(session, options).make();
    } catch (error) {
      // Another node was quicker with the same.
      if (!(error instanceof TryAgain || isDuplicate(error)) || attempt === maxAttempts) throw error;
    } finally {
      session.close();
    }
  }
}

/** The version of the schema; 0 where there is none. Throws DirectoryOpenError for another program's database. */
export async function serverSchemaVersion(session: ServerSession): Promise<number> {
  const isThere = await tableNames(session);
  if (isThere.has('change_state')) {
    const { rows } = await session.query('SELECT "version" FROM change_state WHERE "id" = 1');
    return Number(rows[0]?.[0] ?? 0);
  }
  const foreign = (await directoryTables()).find(({ name }) => isThere.has(name));
  if (foreign === undefined) return 0;
  throw new DirectoryOpenError(
    `the database on ${session.host} has another program's table "${foreign.name}": give Posthaste a database of its own`,
  );
}

export async function tableNames(session: ServerSession): Promise<ReadonlySet<string>> {
  const schema = session.dialect === 'mysql' ? 'database()' : 'current_schema()';
  const { rows } = await session.query(
    `SELECT table_name FROM information_schema.tables WHERE table_schema = ${schema}`,
  );
  return new Set(rows.map(([name]) => String(name)));
}

class SchemaMaker {
  readonly #session: ServerSession;
  readonly #options: ServerSchemaOptions;
  readonly #migrations: readonly Migration[];
  readonly #known: number;
  #lock: MigrationLock | undefined;

  constructor(session: ServerSession, options: ServerSchemaOptions) {
    this.#session = session;
    this.#options = options;
    this.#migrations = options.migrations ?? migrations;
    this.#known = this.#migrations.at(-1)?.version ?? 0;
  }

  async make(): Promise<readonly MadeMigration[]> {
    if ((await this.#version()) === this.#known) return [];
    if (this.#session.dialect === 'postgresql') {
      return await inServerTransaction(this.#session, 'write', async () => {
        await this.#session.query(`SELECT pg_advisory_xact_lock(${advisoryLock})`);
        await this.#session.query("SELECT set_config('posthaste.node', 'on', true)");
        return await this.#makeAll();
      });
    }
    await this.#session.query('SET @posthaste_node = 1');
    const lock = await MigrationLock.take(await this.#options.open(), randomUUID());
    this.#lock = lock;
    try {
      return await this.#makeAll();
    } finally {
      await lock.release();
    }
  }

  async #version(): Promise<number> {
    const version = await serverSchemaVersion(this.#session);
    if (version <= this.#known) return version;
    throw new DirectoryOpenError(
      `the directory on ${this.#session.host} was made by a newer version of Posthaste (schema ${version}, this one ` +
        `knows ${this.#known}): run that version, or restore a backup`,
    );
  }

  async #makeAll(): Promise<readonly MadeMigration[]> {
    // Asked again: another node may have done it while this one waited for the lock.
    if ((await this.#version()) === this.#known) return [];
    const session = this.#session;
    await createNoteTables(session);
    const db = kyselyOnSession<unknown>(session, (sql, values) => this.#run(sql, () => session.query(sql, values)));
    await createMigrationTable(db);
    await session.query(
      'CREATE TABLE IF NOT EXISTS migration_step ("version" integer NOT NULL PRIMARY KEY, "done" integer NOT NULL)',
    );
    const { rows } = await session.query('SELECT max("version") FROM migration');
    const version = Number(rows[0]?.[0] ?? 0);
    const made: MadeMigration[] = [];
    for (const migration of this.#migrations) {
      if (migration.version <= version) continue;
      await this.#migrate(migration, db);
      made.push({ version: migration.version, name: migration.name });
    }
    await createNoteTriggers(session, await directoryTables(this.#migrations));
    await endSchemaChange(session, this.#known);
    return made;
  }

  async #migrate(migration: Migration, whole: Kysely<unknown>): Promise<void> {
    const session = this.#session;
    const db = session.dialect === 'mysql' ? await this.#steps(migration.version) : whole;
    await migration.up(db);
    const values = [migration.version, migration.name, this.#options.clock.now()];
    await session.query('INSERT INTO migration ("version", "name", "applied") VALUES (?, ?, ?)', values);
  }

  /** Each statement that changes something is a step, done once. */
  async #steps(version: number): Promise<Kysely<unknown>> {
    const session = this.#session;
    await session.query('INSERT IGNORE INTO migration_step VALUES (?, 0)', [version]);
    const { rows } = await session.query('SELECT "done" FROM migration_step WHERE "version" = ?', [version]);
    const done = Number(rows[0]?.[0] ?? 0);
    let step = 0;
    const note = async (): Promise<void> => {
      await session.query('UPDATE migration_step SET "done" = ? WHERE "version" = ?', [step, version]);
    };
    return kyselyOnSession<unknown>(session, async (sql, values) => {
      if (/^\s*(select|show)\b/i.test(sql)) return await session.query(sql, values);
      step++;
      if (step <= done) return { rows: [], fields: [], affected: 0 };
      await this.#lock?.check();
      return await this.#run(sql, async () => {
        if (!/^\s*(create|alter|drop|rename|truncate)\b/i.test(sql)) {
          return await inServerTransaction(session, 'write', async () => {
            const result = await session.query(sql, values);
            await note();
            return result;
          });
        }
        try {
          await session.query(sql, values);
        } catch (error) {
          // Done before the interruption, and not noted any more.
          if (!isDuplicate(error) || step !== done + 1) throw error;
        }
        await note();
        return { rows: [], fields: [], affected: 0 };
      });
    });
  }

  async #run(sql: string, work: () => Promise<SqlResult>): Promise<SqlResult> {
    this.#options.onStatement?.(sql);
    return await work();
  }
}

/** Who follows by the notes copies everything anew: rows have changed that nobody has noted. */
async function endSchemaChange(session: ServerSession, version: number): Promise<void> {
  await session.query(
    `UPDATE change_state SET "version" = ?, "revision" = "revision" + 1, "stamp" = ${someStamp(session)} WHERE "id" = 1`,
    [version],
  );
  await forgetLog(session);
}

/** Of MySQL: the table, column, index or key is there already, or is gone. */
function isDuplicate(error: unknown): boolean {
  return (
    error instanceof ServerRefusal &&
    ['1050', '1051', '1060', '1061', '1062', '1091', '1146', '1359'].includes(error.code)
  );
}

/** How many rows a table has. */
export async function countRows(session: ServerSession, table: string): Promise<number> {
  const { rows } = await session.query(`SELECT count(*) FROM ${quoteName(table)}`);
  return Number(rows[0]?.[0] ?? 0);
}
