// What a table looks like to who copies its rows: its columns and its key, read from SQLite's catalogue, so that nobody
// has to list them.

import type { SqliteConnection } from '../sqlite.ts';

export interface TableShape {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly isText: boolean }[];
  /** Columns of the primary key, in its order. */
  readonly key: readonly string[];
  /** `id` is given by a sequence and never given again (AUTOINCREMENT). */
  readonly hasSequence: boolean;
}

interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  /** The place in the primary key, from 1; 0 outside. */
  readonly pk: number;
}

/** Every table but those of `without` and SQLite's own, by name. */
export function readTableShapes(connection: SqliteConnection, without: readonly string[]): TableShape[] {
  const tables = connection
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all() as { name: string; sql: string }[];
  return tables
    .filter(({ name }) => !without.includes(name))
    .map(({ name, sql }) => {
      const columns = connection.prepare('SELECT name, type, pk FROM pragma_table_info(?)').all(name) as ColumnInfo[];
      const key = columns.filter(({ pk }) => pk > 0).toSorted((a, b) => a.pk - b.pk);
      if (key.length === 0) throw new Error(`the table ${name} has no primary key: it could not be copied by rows`);
      return {
        name,
        columns: columns.map((column) => ({ name: column.name, isText: /char|text/i.test(column.type) })),
        key: key.map((column) => column.name),
        hasSequence: /\bautoincrement\b/i.test(sql),
      };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
