// Does on the server what has been done to rows here, and notes it: one revision for all, with the keys of the rows and the last
// ids given. Within a transaction that has locked the state's row.

import { randomInt } from 'node:crypto';
import {
  beginTransaction,
  quoteName,
  type ServerSession,
  type SqlStatement,
  type SqlValue,
} from '../../database/server/server-session.ts';
import type { TableShape } from '../../database/server/table-shape.ts';
import type { Position } from './replica-file.ts';
import { keyOf, type RowChange, type RowImage } from './row-journal.ts';
import { type ServerState, stateOf, stateSql } from './server-state.ts';

const maxRows = 500;
/** In one packet: MariaDB takes 16 MiB by itself (max_allowed_packet). */
const maxPending = 200;
const maxPendingOctets = 1 << 20;
const maxStamp = 2 ** 47;
const lockSeconds = 10;

/**
 * Begins a transaction that changes the directory: alone among all nodes, and marked as one that notes its changes itself.
 * On MariaDB a row that somebody else holds is not waited for, since he may be waiting for us.
 */
export async function beginWriting(session: ServerSession): Promise<ServerState> {
  if (session.dialect === 'postgresql') {
    const first = `SET LOCAL posthaste.node = 'on'; ${stateSql} FOR UPDATE`;
    return stateOf(await beginTransaction(session, 'write', first), session.host);
  }
  const first = `SET @posthaste_node = 1, SESSION innodb_lock_wait_timeout = ${lockSeconds}; ${stateSql} FOR UPDATE`;
  return stateOf(await beginTransaction(session, 'write', first), session.host);
}

export class ServerWriter {
  readonly #session: ServerSession;
  /** Notes of logins: the row may have gone or come on the server meanwhile. */
  readonly #isTolerant: boolean;
  readonly #keys = new Map<string, readonly [table: string, key: string]>();
  readonly #lastIds = new Map<string, number>();
  #inserts: RowChange[] = [];
  #pending: PendingStatement[] = [];
  #pendingOctets = 0;

  constructor(session: ServerSession, isTolerant = false) {
    this.#session = session;
    this.#isTolerant = isTolerant;
    // Whoever holds a row of ours may be waiting for the state's: we come again. (MySQL waits for a second at least.)
    if (session.dialect === 'mysql') this.#add({ sql: 'SET SESSION innodb_lock_wait_timeout = 0', values: [] });
  }

  async write(changes: readonly RowChange[]): Promise<void> {
    for (const change of changes) {
      const { shape, old, now } = change;
      this.#note(shape, old);
      this.#note(shape, now);
      const isNew = old === undefined;
      if (!isNew || !this.#mayJoin(shape)) this.#insertAll();
      if (isNew) this.#inserts.push(change);
      else if (now === undefined) this.#delete(shape, old);
      else this.#update(shape, old, now);
      if (this.#pending.length > maxPending || this.#pendingOctets > maxPendingOctets) await this.#send();
    }
    this.#insertAll();
  }

  /** The revision that all of it is; undefined where nothing was written. */
  async finish(state: ServerState): Promise<Position | undefined> {
    if (this.#keys.size === 0) return undefined;
    const next = { revision: state.revision + 1, stamp: randomInt(1, maxStamp) };
    this.#add({
      sql: 'UPDATE change_state SET "revision" = ?, "stamp" = ? WHERE "id" = 1',
      values: [next.revision, next.stamp],
    });
    const log = [...this.#keys.values()].map(([table, key]) => [next.revision, next.stamp, table, key]);
    const logColumns = ['revision', 'stamp', 'tbl', 'row_key'];
    for (const statement of insertStatements('change_log', logColumns, log)) this.#add(statement);
    for (const [table, id] of this.#lastIds) {
      const sql = 'UPDATE change_sequence SET "value" = ? WHERE "name" = ? AND "value" < ?';
      this.#add({ sql, values: [id, table, id] });
    }
    await this.#send();
    return next;
  }

  #mayJoin(shape: TableShape): boolean {
    const [first] = this.#inserts;
    return first === undefined || (first.shape === shape && this.#inserts.length < maxRows);
  }

  #note(shape: TableShape, row: RowImage | undefined): void {
    if (row === undefined) return;
    const key = keyOf(shape, row);
    const text = JSON.stringify(key);
    this.#keys.set(`${shape.name} ${text}`, [shape.name, text]);
    if (shape.hasSequence) {
      this.#lastIds.set(shape.name, Math.max(Number(key[0]), this.#lastIds.get(shape.name) ?? 0));
    }
  }

  #insertAll(): void {
    const [first] = this.#inserts;
    if (first === undefined) return;
    const { shape } = first;
    const rows = this.#inserts.map(({ now }) => now ?? []);
    this.#inserts = [];
    if (this.#isTolerant) for (const row of rows) this.#delete(shape, row);
    for (const statement of insertStatements(shape.name, columnNames(shape), rows)) this.#add(statement);
  }

  #delete(shape: TableShape, row: RowImage): void {
    this.#add({ sql: `DELETE FROM ${quoteName(shape.name)} WHERE ${whereKey(shape)}`, values: keyOf(shape, row) });
  }

  #update(shape: TableShape, old: RowImage, now: RowImage): void {
    const changed = shape.columns.map((_column, index) => index).filter((index) => old[index] !== now[index]);
    if (changed.length === 0) return;
    const set = changed.map((index) => `${quoteName(shape.columns[index]?.name ?? '')} = ?`).join(', ');
    const values = [...changed.map((index) => now[index] ?? null), ...keyOf(shape, old)];
    this.#add({
      sql: `UPDATE ${quoteName(shape.name)} SET ${set} WHERE ${whereKey(shape)}`,
      values,
      mustFind: shape.name,
    });
  }

  #add(statement: PendingStatement): void {
    this.#pending.push(statement);
    for (const value of statement.values) this.#pendingOctets += typeof value === 'string' ? value.length : 8;
  }

  async #send(): Promise<void> {
    const statements = this.#pending;
    this.#pending = [];
    this.#pendingOctets = 0;
    if (statements.length === 0) return;
    const affected = await this.#session.batch(statements);
    if (this.#isTolerant) return;
    const missing = statements.find(({ mustFind }, index) => mustFind !== undefined && affected[index] !== 1);
    if (missing !== undefined) throw new Error(`a row of ${missing.mustFind} is not on ${this.#session.host}`);
  }
}

interface PendingStatement extends SqlStatement {
  /** The table of which it changes a row. */
  readonly mustFind?: string;
}

function whereKey({ key }: TableShape): string {
  return key.map((name) => `${quoteName(name)} = ?`).join(' AND ');
}

export function columnNames({ columns }: TableShape): string[] {
  return columns.map(({ name }) => name);
}

/** As many rows in a statement as it takes. */
export function insertStatements(
  table: string,
  columns: readonly string[],
  rows: readonly (readonly SqlValue[])[],
): SqlStatement[] {
  const places = `(${columns.map(() => '?').join(', ')})`;
  const into = `INSERT INTO ${quoteName(table)} (${columns.map(quoteName).join(', ')}) VALUES `;
  const statements: SqlStatement[] = [];
  for (let at = 0; at < rows.length; at += maxRows) {
    const some = rows.slice(at, at + maxRows);
    statements.push({ sql: into + some.map(() => places).join(', '), values: some.flat() });
  }
  return statements;
}
