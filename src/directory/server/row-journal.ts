// What a transaction on the local copy has done to rows, in its order: temporary triggers write down each row as it was and as it
// is. In the same order it can be done again on the server: what no constraint has forbidden here, none forbids there.

import type { SqlValue } from '../../database/server/server-session.ts';
import type { TableShape } from '../../database/server/table-shape.ts';
import type { SqliteConnection, Statement } from '../../database/sqlite.ts';

/** Values of all columns, in their order. */
export type RowImage = readonly SqlValue[];

export interface RowChange {
  readonly id: number;
  readonly shape: TableShape;
  /** Undefined: it is new. */
  readonly old: RowImage | undefined;
  /** Undefined: it is gone. */
  readonly now: RowImage | undefined;
}

type JournalRow = [number, string, string | null, string | null];

const pageLength = 1000;

export class RowJournal {
  readonly #connection: SqliteConnection;
  readonly #shapes: ReadonlyMap<string, TableShape>;
  readonly #table: string;
  readonly #read: Statement;

  /** `table` has the columns id, tbl, old, new: temporary, so that it is nobody else's; or kept until it is emptied. */
  constructor(
    connection: SqliteConnection,
    shapes: readonly TableShape[],
    table: 'temp.row_journal' | 'main.replica_outbox',
  ) {
    this.#connection = connection;
    this.#shapes = new Map(shapes.map((shape) => [shape.name, shape]));
    this.#table = table;
    if (table === 'temp.row_journal') {
      // An import of a million rows is no reason to hold them in memory.
      connection.pragma('temp_store = FILE');
      connection.exec(
        'CREATE TEMP TABLE row_journal (id integer PRIMARY KEY AUTOINCREMENT, tbl text NOT NULL, old text, new text)',
      );
    }
    this.#read = connection
      .prepare(`SELECT id, tbl, old, new FROM ${table} WHERE id > ? ORDER BY id LIMIT ${pageLength}`)
      .raw();
  }

  /** From now on every change through this connection is written down. */
  record(): void {
    const into = this.#table.replace('temp.', '').replace('main.', '');
    for (const { name, columns } of this.#shapes.values()) {
      const image = (row: 'OLD' | 'NEW'): string =>
        `json_array(${columns.map((one) => `${row}."${one.name}"`).join(', ')})`;
      const trigger = (when: string, old: string, now: string): void => {
        this.#connection.exec(
          `CREATE TEMP TRIGGER "journal_${when}_${name}" AFTER ${when} ON main."${name}"
           BEGIN INSERT INTO ${into} (tbl, old, new) VALUES ('${name}', ${old}, ${now}); END`,
        );
      };
      trigger('INSERT', 'NULL', image('NEW'));
      trigger('UPDATE', image('OLD'), image('NEW'));
      trigger('DELETE', image('OLD'), 'NULL');
    }
  }

  /** In order, so many at a time. */
  *pages(): Generator<readonly RowChange[]> {
    for (let after = 0; ; ) {
      const rows = this.#read.all(after) as JournalRow[];
      if (rows.length > 0) yield rows.map((row) => this.#changeOf(row));
      if (rows.length < pageLength) return;
      after = rows.at(-1)?.[0] ?? after;
    }
  }

  /** All, or those up to `id`. */
  clear(id?: number): void {
    if (id === undefined) this.#connection.exec(`DELETE FROM ${this.#table}`);
    else this.#connection.prepare(`DELETE FROM ${this.#table} WHERE id <= ?`).run(id);
  }

  #changeOf([id, table, old, now]: JournalRow): RowChange {
    const shape = this.#shapes.get(table);
    if (shape === undefined) throw new Error(`the journal names a table "${table}" that nobody knows`);
    const parse = (text: string | null): RowImage | undefined =>
      text === null ? undefined : (JSON.parse(text) as SqlValue[]);
    return { id, shape, old: parse(old), now: parse(now) };
  }
}

/** The values of the key's columns. */
export function keyOf(shape: TableShape, row: RowImage): SqlValue[] {
  return shape.key.map((name) => row[shape.columns.findIndex((column) => column.name === name)] ?? null);
}
