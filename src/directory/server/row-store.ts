// A whole directory as rows, wherever it is: what `directory move` reads from and writes to. Nobody else changes it while
// it is open.

import { forgetLog } from '../../database/server/change-notes.ts';
import {
  beginTransaction,
  inServerTransaction,
  quoteName,
  type ServerSession,
  type SqlRow,
} from '../../database/server/server-session.ts';
import { readTableShapes, type TableShape } from '../../database/server/table-shape.ts';
import { openSqlite, type SqliteConnection } from '../../database/sqlite.ts';
import type { Clock } from '../../lib/clock.ts';
import { openDirectoryFiles } from '../database.ts';
import { DirectoryRefusedError } from '../refusal.ts';
import { directoryTables } from './directory-tables.ts';
import { beginImmediate, replicaTables } from './replica-file.ts';
import { orderedPages, selectRows } from './replica-pull.ts';
import { ServerLink } from './server-link.ts';
import { createServerSchema } from './server-schema.ts';
import type { DirectoryServer } from './server-settings.ts';
import { stateOf, stateSql } from './server-state.ts';
import { columnNames, insertStatements } from './server-writes.ts';

export interface RowStore {
  /** For messages. */
  readonly name: string;
  /** What there is, by table; the order is that of the tables' names. */
  readonly shapes: readonly TableShape[];
  /** In the order of the keys' octets. */
  pages(shape: TableShape): AsyncIterable<readonly SqlRow[]>;
  /** The last id given in each table that gives none again. */
  sequences(): Promise<ReadonlyMap<string, number>>;
  /** Before the first row is written: refuses where there is something, but for what an interrupted move has left. */
  beginFilling(): Promise<void>;
  insert(shape: TableShape, rows: readonly SqlRow[]): Promise<void>;
  /** From here on it may be used. */
  endFilling(sequences: ReadonlyMap<string, number>): Promise<void>;
  close(): Promise<void>;
}

const rowsPerPage = 1000;

/** Tables whose rows every new directory has. */
const bornFull = new Set(['secret']);

export async function openSqliteStore(file: string, clock: Clock): Promise<RowStore> {
  const files = await openDirectoryFiles(file, false, clock);
  files.reader.close();
  files.writer?.connection.close();
  const connection = openSqlite(file, { busyTimeout: 2000, cacheKib: 32_768 });
  await beginImmediate(connection);
  return new SqliteStore(file, connection);
}

class SqliteStore implements RowStore {
  readonly name: string;
  readonly shapes: readonly TableShape[];
  readonly #connection: SqliteConnection;

  constructor(name: string, connection: SqliteConnection) {
    this.name = name;
    this.#connection = connection;
    this.shapes = readTableShapes(connection, ['migration', ...replicaTables]);
  }

  async *pages(shape: TableShape): AsyncGenerator<readonly SqlRow[]> {
    const order = shape.key.map(quoteName).join(', ');
    let page: SqlRow[] = [];
    for (const row of this.#connection
      .prepare(`${selectRows(shape)} ORDER BY ${order}`)
      .raw()
      .iterate()) {
      page.push(row as SqlRow);
      if (page.length < rowsPerPage) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }

  async sequences(): Promise<ReadonlyMap<string, number>> {
    const rows = this.#connection.prepare('SELECT name, seq FROM sqlite_sequence').raw().all() as [string, number][];
    return new Map(rows);
  }

  async beginFilling(): Promise<void> {
    // All of it is one transaction: what was interrupted has left nothing.
    const full = this.shapes.find(
      ({ name }) => !bornFull.has(name) && this.#connection.prepare(`SELECT 1 FROM ${quoteName(name)} LIMIT 1`).get(),
    );
    if (full !== undefined) refuseFull(this.name, full.name);
    for (const { name } of this.shapes) this.#connection.exec(`DELETE FROM ${quoteName(name)}`);
  }

  async insert(shape: TableShape, rows: readonly SqlRow[]): Promise<void> {
    const names = columnNames(shape);
    const insert = this.#connection.prepare(
      `INSERT INTO ${quoteName(shape.name)} (${names.map(quoteName).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    );
    for (const row of rows) insert.run(...row);
  }

  async endFilling(sequences: ReadonlyMap<string, number>): Promise<void> {
    for (const [name, value] of sequences) {
      this.#connection.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(name);
      this.#connection.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(name, value);
    }
    this.#connection.exec('COMMIT');
  }

  async close(): Promise<void> {
    if (this.#connection.inTransaction) this.#connection.exec('ROLLBACK');
    this.#connection.close();
  }
}

/** As a source it is locked: no node changes anything meanwhile. */
export async function openServerStore(
  server: DirectoryServer,
  use: 'source' | 'target',
  { clock, warn }: { readonly clock: Clock; readonly warn: (text: string) => void },
): Promise<RowStore> {
  const limits = { connectMilliseconds: 5000, queryMilliseconds: 3_600_000 };
  const link = new ServerLink(server, warn, limits);
  await createServerSchema({ open: () => link.open(), clock });
  const session = await link.open();
  const store = new ServerStore(server.name, session, await directoryTables());
  if (use === 'source') await store.lock();
  return store;
}

class ServerStore implements RowStore {
  readonly name: string;
  readonly shapes: readonly TableShape[];
  readonly #session: ServerSession;
  #isLocked = false;

  constructor(name: string, session: ServerSession, shapes: readonly TableShape[]) {
    this.name = name;
    this.#session = session;
    this.shapes = shapes;
  }

  async lock(): Promise<void> {
    this.#isLocked = true;
    stateOf(await beginTransaction(this.#session, 'write', `${stateSql} FOR UPDATE`), this.name);
  }

  async *pages(shape: TableShape): AsyncGenerator<readonly SqlRow[]> {
    if (!this.#isLocked) await beginTransaction(this.#session, 'snapshot');
    yield* orderedPages(this.#session, shape);
    if (!this.#isLocked) await this.#session.query('COMMIT');
  }

  async sequences(): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.#session.query('SELECT "name", "value" FROM change_sequence');
    return new Map(rows.map(([name, value]) => [String(name), Number(value)]));
  }

  async beginFilling(): Promise<void> {
    const session = this.#session;
    const isNode = session.dialect === 'mysql' ? 'SET @posthaste_node = 1' : "SET posthaste.node = 'on'";
    await session.query(isNode);
    await inServerTransaction(session, 'write', async () => {
      const { rows } = await session.query('SELECT "status" FROM change_state WHERE "id" = 1 FOR UPDATE');
      if (rows[0]?.[0] !== 'filling') await this.#refuseRows();
      await session.query(`UPDATE change_state SET "status" = 'filling' WHERE "id" = 1`);
    });
    for (const { name } of this.shapes) await this.#empty(name);
  }

  async #refuseRows(): Promise<void> {
    for (const { name } of this.shapes) {
      if (bornFull.has(name)) continue;
      const { rows } = await this.#session.query(`SELECT 1 FROM ${quoteName(name)} LIMIT 1`);
      if (rows.length > 0) refuseFull(this.name, name);
    }
  }

  async #empty(table: string): Promise<void> {
    // As MySQL's TRUNCATE a DELETE of all; a large one is a large transaction, which a cluster refuses.
    const sql =
      this.#session.dialect === 'mysql'
        ? `DELETE FROM ${quoteName(table)} LIMIT 10000`
        : `DELETE FROM ${quoteName(table)}`;
    while ((await this.#session.query(sql)).affected === 10_000) continue;
  }

  async insert(shape: TableShape, rows: readonly SqlRow[]): Promise<void> {
    await this.#session.batch(insertStatements(shape.name, columnNames(shape), rows));
  }

  async endFilling(sequences: ReadonlyMap<string, number>): Promise<void> {
    const session = this.#session;
    await inServerTransaction(session, 'write', async () => {
      for (const [name, value] of sequences) {
        await session.query('UPDATE change_sequence SET "value" = ? WHERE "name" = ?', [value, name]);
      }
      await session.query(
        `UPDATE change_state SET "status" = '', "revision" = "revision" + 1, "stamp" = "stamp" + 1 WHERE "id" = 1`,
      );
      await forgetLog(session);
    });
  }

  async close(): Promise<void> {
    this.#session.close();
  }
}

function refuseFull(name: string, table: string): never {
  throw new DirectoryRefusedError(
    `${name} is not empty (it has rows in "${table}"): nothing was moved; give a database of its own, or look whether it has been moved already`,
  );
}
