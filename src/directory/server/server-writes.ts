// Does on the server what has been done to rows here, and notes it: one revision for all, with the keys of the rows and the last
// ids given. Within a transaction that has locked the state's row.

import { randomInt } from 'node:crypto';
import {
  beginTransaction,
  quoteName,
  type ServerSession,
  type SqlValue,
} from '../../database/server/server-session.ts';
import type { TableShape } from '../../database/server/table-shape.ts';
import type { Position } from './replica-file.ts';
import { keyOf, type RowChange, type RowImage } from './row-journal.ts';
import { type ServerState, stateOf, stateSql } from './server-state.ts';

/** Values in one statement: PostgreSQL takes 65,535. */
const maxValues = 20_000;
const maxRows = 500;
const maxStamp = 2 ** 47;

/**
 * Begins a transaction that changes the directory: alone among all nodes, and marked as one that notes its changes itself.
 * On MariaDB a row that somebody else holds is not waited for, since he may be waiting for us.
 */
export async function beginWriting(session: ServerSession): Promise<ServerState> {
  if (session.dialect === 'postgresql') {
    const first = `SET LOCAL posthaste.node = 'on'; ${stateSql} FOR UPDATE`;
    return stateOf(await beginTransaction(session, 'write', first), session.host);
  }
  const begun = await beginTransaction(session, 'write', `SET @posthaste_node = 1; ${stateSql} FOR UPDATE`);
  return stateOf(begun, session.host);
}

export class ServerWriter {
  readonly #session: ServerSession;
  /** Notes of logins: the row may have gone or come on the server meanwhile. */
  readonly #isTolerant: boolean;
  readonly #keys = new Map<string, readonly [table: string, key: string]>();
  readonly #lastIds = new Map<string, number>();
  #inserts: RowChange[] = [];

  constructor(session: ServerSession, isTolerant = false) {
    this.#session = session;
    this.#isTolerant = isTolerant;
  }

  async write(changes: readonly RowChange[]): Promise<void> {
    for (const change of changes) {
      const { shape, old, now } = change;
      this.#note(shape, old);
      this.#note(shape, now);
      const isNew = old === undefined;
      if (!isNew || !this.#mayJoin(shape)) await this.#insertAll();
      if (isNew) this.#inserts.push(change);
      else if (now === undefined) await this.#delete(shape, old);
      else await this.#update(shape, old, now);
    }
    await this.#insertAll();
  }

  /** The revision that all of it is; undefined where nothing was written. */
  async finish(state: ServerState): Promise<Position | undefined> {
    if (this.#keys.size === 0) return undefined;
    const session = this.#session;
    const next = { revision: state.revision + 1, stamp: randomInt(1, maxStamp) };
    await session.query('UPDATE change_state SET "revision" = ?, "stamp" = ? WHERE "id" = 1', [
      next.revision,
      next.stamp,
    ]);
    const log = [...this.#keys.values()].map(([table, key]) => [next.revision, next.stamp, table, key]);
    await insertRows(session, 'change_log', ['revision', 'stamp', 'tbl', 'row_key'], log);
    for (const [table, id] of this.#lastIds) {
      await session.query('UPDATE change_sequence SET "value" = ? WHERE "name" = ? AND "value" < ?', [id, table, id]);
    }
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

  async #insertAll(): Promise<void> {
    const [first] = this.#inserts;
    if (first === undefined) return;
    const { shape } = first;
    const rows = this.#inserts.map(({ now }) => now ?? []);
    this.#inserts = [];
    if (this.#isTolerant) for (const row of rows) await this.#delete(shape, row);
    await insertRows(this.#session, shape.name, columnNames(shape), rows);
  }

  async #delete(shape: TableShape, row: RowImage): Promise<void> {
    await this.#session.query(`DELETE FROM ${quoteName(shape.name)} WHERE ${whereKey(shape)}`, keyOf(shape, row));
  }

  async #update(shape: TableShape, old: RowImage, now: RowImage): Promise<void> {
    const changed = shape.columns.map((_column, index) => index).filter((index) => old[index] !== now[index]);
    if (changed.length === 0) return;
    const set = changed.map((index) => `${quoteName(shape.columns[index]?.name ?? '')} = ?`).join(', ');
    const values = [...changed.map((index) => now[index] ?? null), ...keyOf(shape, old)];
    const { affected } = await this.#session.query(
      `UPDATE ${quoteName(shape.name)} SET ${set} WHERE ${whereKey(shape)}`,
      values,
    );
    if (affected !== 1 && !this.#isTolerant) throw new Error(`a row of ${shape.name} is not on ${this.#session.host}`);
  }
}

function whereKey({ key }: TableShape): string {
  return key.map((name) => `${quoteName(name)} = ?`).join(' AND ');
}

export function columnNames({ columns }: TableShape): string[] {
  return columns.map(({ name }) => name);
}

/** As many in a statement as it takes. */
export async function insertRows(
  session: ServerSession,
  table: string,
  columns: readonly string[],
  rows: readonly (readonly SqlValue[])[],
): Promise<void> {
  const perStatement = Math.max(1, Math.min(maxRows, Math.floor(maxValues / columns.length)));
  const places = `(${columns.map(() => '?').join(', ')})`;
  const into = `INSERT INTO ${quoteName(table)} (${columns.map(quoteName).join(', ')}) VALUES `;
  for (let at = 0; at < rows.length; at += perStatement) {
    const some = rows.slice(at, at + perStatement);
    await session.query(into + some.map(() => places).join(', '), some.flat());
  }
}
