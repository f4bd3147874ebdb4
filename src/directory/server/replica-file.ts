// The local copy of a server's directory: a SQLite file with the directory's tables, the revision that it stands at, and the notes
// that have not been sent yet. It may be lost: then it is copied anew. Its name has the schema's version, so that a newer
// program never changes what an older one is still using. Another process of this node may hold the lock while it waits
// for the server, so nobody waits for it without giving way to the event loop.

import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlRow, SqlValue } from '../../database/server/server-session.ts';
import { readTableShapes, type TableShape } from '../../database/server/table-shape.ts';
import { openSqlite, type SqliteConnection, sqliteCode, type Statement } from '../../database/sqlite.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { knownVersion } from '../database.ts';
import { RowJournal } from './row-journal.ts';

/** Where it stands: the server's revision, and the number by chance that the server gave it. */
export interface Position {
  readonly revision: number;
  readonly stamp: number;
}

export const replicaTables = ['replica_position', 'replica_outbox'] as const;

const replicaSchema = `
  CREATE TABLE IF NOT EXISTS replica_position (id integer PRIMARY KEY, revision bigint NOT NULL, stamp bigint NOT NULL);
  CREATE TABLE IF NOT EXISTS replica_outbox (id integer PRIMARY KEY AUTOINCREMENT, tbl text NOT NULL, old text, new text);`;

const openMilliseconds = 5000;
const firstPauseMilliseconds = 1;
const maxPauseMilliseconds = 20;
const busyMilliseconds = 10_000;

/** Those of earlier versions. */
export function removeOldReplicas(file: string): void {
  const own = basename(file);
  const isOld = (name: string): boolean => {
    const version = /^directory-replica-(\d+)\.db(-wal|-shm)?$/.exec(name)?.[1];
    return version !== undefined && Number(version) < knownVersion && !name.startsWith(own);
  };
  for (const name of readdirSync(dirname(file)).filter(isOld)) rmSync(join(dirname(file), name), { force: true });
}

/** Begins a transaction that writes, without holding up the thread. Throws TemporaryError. */
export async function beginImmediate(connection: SqliteConnection): Promise<void> {
  let pause = firstPauseMilliseconds;
  for (let waited = 0; ; waited += pause) {
    try {
      connection.exec('BEGIN IMMEDIATE');
      return;
    } catch (error) {
      if (sqliteCode(error)?.startsWith('SQLITE_BUSY') !== true) throw error;
      if (waited > busyMilliseconds) throw new TemporaryError('the directory is busy: try again', { cause: error });
    }
    await sleep(pause);
    pause = Math.min(pause * 2, maxPauseMilliseconds);
  }
}

/** The connection by which what the server has comes into the file. */
export class ReplicaFile {
  readonly shapes: readonly TableShape[];
  readonly #connection: SqliteConnection;
  readonly #position: Statement;
  readonly #inserts = new Map<string, Statement>();
  readonly #deletes = new Map<string, Statement>();

  constructor(file: string, isReadonly: boolean) {
    // What is lost with the power is fetched again: no transaction waits for the disk.
    this.#connection = openSqlite(file, {
      readonly: isReadonly,
      synchronous: 'NORMAL',
      busyTimeout: openMilliseconds,
      cacheKib: 8192,
    });
    if (!isReadonly) this.#connection.exec(replicaSchema);
    this.#connection.pragma('busy_timeout = 0');
    this.shapes = readTableShapes(this.#connection, ['migration', ...replicaTables]);
    this.#position = this.#connection.prepare('SELECT revision, stamp FROM replica_position WHERE id = 1');
  }

  position(): Position | undefined {
    return this.#position.get() as Position | undefined;
  }

  /** All or nothing; what `work` throws comes through. */
  async change<T>(work: () => Promise<T>): Promise<T> {
    await beginImmediate(this.#connection);
    try {
      const result = await work();
      this.#connection.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#connection.inTransaction) this.#connection.exec('ROLLBACK');
      throw error;
    }
  }

  shape(table: string): TableShape {
    const shape = this.shapes.find(({ name }) => name === table);
    if (shape === undefined)
      throw new TemporaryError(`the directory's server has a table "${table}" that nobody knows`);
    return shape;
  }

  deleteRow(shape: TableShape, key: readonly SqlValue[]): void {
    let statement = this.#deletes.get(shape.name);
    if (statement === undefined) {
      const where = shape.key.map((name) => `"${name}" = ?`).join(' AND ');
      statement = this.#connection.prepare(`DELETE FROM "${shape.name}" WHERE ${where}`);
      this.#deletes.set(shape.name, statement);
    }
    statement.run(...key);
  }

  /** `row` has the values of all columns, in their order. */
  insertRow(shape: TableShape, row: SqlRow): void {
    let statement = this.#inserts.get(shape.name);
    if (statement === undefined) {
      const names = shape.columns.map(({ name }) => `"${name}"`).join(', ');
      const values = shape.columns.map(() => '?').join(', ');
      statement = this.#connection.prepare(`INSERT INTO "${shape.name}" (${names}) VALUES (${values})`);
      this.#inserts.set(shape.name, statement);
    }
    statement.run(...row);
  }

  /** Empties all tables and takes their indexes away; the result puts these back. */
  clear(): () => void {
    const indexes = this.#connection
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
      .all() as { name: string; sql: string }[];
    for (const { name } of indexes) this.#connection.exec(`DROP INDEX "${name}"`);
    for (const { name } of this.shapes) this.#connection.exec(`DELETE FROM "${name}"`);
    return () => {
      for (const { sql } of indexes) this.#connection.exec(sql);
    };
  }

  /** The last id given in a table: none below is given again. */
  raiseSequence(table: string, value: number): void {
    const update = this.#connection.prepare('UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?');
    if (update.run(value, table).changes > 0) return;
    this.#connection.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(table, value);
  }

  stand({ revision, stamp }: Position): void {
    this.#connection.prepare('INSERT OR REPLACE INTO replica_position VALUES (1, ?, ?)').run(revision, stamp);
  }

  /** What is to be sent. */
  outbox(): RowJournal {
    return new RowJournal(this.#connection, this.shapes, 'main.replica_outbox');
  }

  close(): void {
    this.#connection.close();
  }
}
