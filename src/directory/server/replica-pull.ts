// Brings the local copy to the server's state: the rows that the log names are fetched and put in place of what was there;
// where the log does not reach back, or the server has another history than the copy (it was restored, or another one that had not
// heard of everything took over), all is copied. One state of the server, one transaction here.

import {
  beginTransaction,
  quoteName,
  type ServerSession,
  type SqlRow,
  type SqlValue,
} from '../../database/server/server-session.ts';
import type { TableShape } from '../../database/server/table-shape.ts';
import type { Position, ReplicaFile } from './replica-file.ts';
import { type ServerState, stateOf, stateSql } from './server-state.ts';

export interface PullOptions {
  readonly session: ServerSession;
  readonly replica: ReplicaFile;
  /** Before all is copied, and after each so many rows. */
  readonly onProgress?: (text: string) => void;
}

/** Beyond so many changed rows all is copied: that is quicker, and no list of them is kept in memory. */
const maxChangedRows = 100_000;
const rowsPerQuery = 200;
const rowsPerPage = 2000;
const progressRows = 250_000;

/** In a transaction of its own on the server. Returns the state that was reached. */
export async function pull(options: PullOptions): Promise<Position> {
  const { session } = options;
  const state = stateOf(await beginTransaction(session, 'snapshot', stateSql), session.host);
  await catchUp(options, state);
  await session.query('COMMIT');
  return state;
}

/** Within a transaction on the server that sees `state`. */
export async function catchUp(options: PullOptions, state: ServerState): Promise<void> {
  const { replica } = options;
  if (isAt(replica.position(), state)) return;
  await replica.change(async () => {
    const position = replica.position();
    if (isAt(position, state)) return;
    const keys = position === undefined ? undefined : await changedKeys(options, position, state);
    if (keys === undefined) await copyAll(options);
    else await fetchRows(options, keys);
    await fetchSequences(options);
    replica.stand(state);
  });
}

export function isAt(position: Position | undefined, state: Position): boolean {
  return position?.revision === state.revision && position.stamp === state.stamp;
}

type ChangedKeys = ReadonlyMap<TableShape, readonly (readonly SqlValue[])[]>;

/** Undefined where the log does not tell. */
async function changedKeys(
  { session, replica }: PullOptions,
  position: Position,
  state: ServerState,
): Promise<ChangedKeys | undefined> {
  if (position.revision < state.pruned || position.revision >= state.revision) return undefined;
  const known = await session.query('SELECT 1 FROM change_log WHERE "revision" = ? AND "stamp" = ? LIMIT 1', [
    position.revision,
    position.stamp,
  ]);
  if (known.rows.length === 0) return undefined;
  const { rows } = await session.query(
    `SELECT DISTINCT "tbl", "row_key" FROM change_log WHERE "revision" > ? AND "tbl" <> '' LIMIT ${maxChangedRows + 1}`,
    [position.revision],
  );
  if (rows.length > maxChangedRows) return undefined;
  const keys = new Map<TableShape, SqlValue[][]>();
  for (const [table, text] of rows) {
    const shape = replica.shape(String(table));
    const list = keys.get(shape) ?? [];
    list.push(JSON.parse(String(text)) as SqlValue[]);
    keys.set(shape, list);
  }
  return keys;
}

/** First all are taken away, then what there is is put in: two rows may have changed names with each other. */
async function fetchRows({ session, replica }: PullOptions, changed: ChangedKeys): Promise<void> {
  for (const [shape, keys] of changed) for (const key of keys) replica.deleteRow(shape, key);
  for (const [shape, keys] of changed) {
    for (let at = 0; at < keys.length; at += rowsPerQuery) {
      const some = keys.slice(at, at + rowsPerQuery);
      const where = some.map(() => `(${shape.key.map((name) => `${quoteName(name)} = ?`).join(' AND ')})`).join(' OR ');
      const { rows } = await session.query(`${selectRows(shape)} WHERE ${where}`, some.flat());
      for (const row of rows) replica.insertRow(shape, row);
    }
  }
}

export function selectRows({ name, columns }: TableShape): string {
  return `SELECT ${columns.map((column) => quoteName(column.name)).join(', ')} FROM ${quoteName(name)}`;
}

async function copyAll({ session, replica, onProgress }: PullOptions): Promise<void> {
  onProgress?.(`copying the directory from ${session.host}`);
  const putIndexesBack = replica.clear();
  let count = 0;
  for (const shape of replica.shapes) {
    for await (const rows of orderedPages(session, shape)) {
      for (const row of rows) replica.insertRow(shape, row);
      const before = Math.floor(count / progressRows);
      count += rows.length;
      if (Math.floor(count / progressRows) > before) onProgress?.(`${count} rows of the directory copied`);
    }
  }
  putIndexesBack();
  onProgress?.(`the directory is copied: ${count} rows`);
}

/** All rows of a table in the order of its key. */
export function orderedPages(session: ServerSession, shape: TableShape): AsyncIterable<readonly SqlRow[]> {
  const order = shape.key.map((name) => quoteName(name)).join(', ');
  return session.pages(`${selectRows(shape)} ORDER BY ${order}`, rowsPerPage);
}

async function fetchSequences({ session, replica }: PullOptions): Promise<void> {
  const { rows } = await session.query('SELECT "name", "value" FROM change_sequence');
  for (const [name, value] of rows) replica.raiseSequence(String(name), Number(value));
}
