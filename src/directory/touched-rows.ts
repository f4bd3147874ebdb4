// Which rows a change touches, and a view of the directory that shows them changed. A trial (directory.ts, tryOut) makes the
// change in a transaction that is rolled back: triggers note the keys of the rows, their contents are kept, and a second
// connection shows them in place of its own by temporary views of the tables' names. So what a change would do can be
// looked at for as long as one likes: no lock is held, nothing is copied but the rows concerned, and every table is covered.

import { openSqlite, type SqliteConnection } from '../database/sqlite.ts';

export type Row = Readonly<Record<string, string | number | null>>;

export interface TouchedTable {
  readonly keys: readonly string[];
  /** As they were, and as they are after the change; in no order. */
  readonly before: readonly Row[];
  readonly after: readonly Row[];
}

export type TouchedRows = ReadonlyMap<string, TouchedTable>;

/** What says nothing about where mail goes, or is secret. */
const unwatched = new Set(
  'event migration secret scram_key app_password last_login vacation recent_login recovery_start recovery_link'.split(
    ' ',
  ),
);

/**
 * A table that others are left-joined with is copied whole, in the memory of this process: SQLite does not search the
 * parts of a view there. A hundred thousand domains take a quarter of a second.
 */
const copiedTables = new Set(['domain']);

const notes = 'posthaste_touched';

interface TableShape {
  readonly name: string;
  readonly sql: string;
  readonly columns: readonly string[];
  readonly keys: readonly string[];
}

function tablesOf(connection: SqliteConnection): TableShape[] {
  const tables = connection
    .prepare("SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all() as { name: string; sql: string }[];
  return tables
    .filter(({ name }) => !unwatched.has(name))
    .map(({ name, sql }) => {
      const info = connection.prepare('SELECT name, pk FROM pragma_table_info(?, ?) ORDER BY cid').all(name, 'main');
      const columns = info as { name: string; pk: number }[];
      const keys = columns.filter(({ pk }) => pk > 0).sort((one, other) => one.pk - other.pk);
      return { name, sql, columns: columns.map((column) => column.name), keys: keys.map((column) => column.name) };
    })
    .filter(({ keys }) => keys.length > 0);
}

/** From here on the connection's transaction notes what it touches; its end, without its changes, ends this too. */
export function watchRows(connection: SqliteConnection): void {
  connection.exec(`CREATE TEMP TABLE ${notes} (name TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (name, key))`);
  for (const { name, keys } of tablesOf(connection)) {
    const key = (row: string) => `json_array(${keys.map((column) => `${row}."${column}"`).join(', ')})`;
    const note = (row: string) => `INSERT OR IGNORE INTO ${notes} VALUES ('${name}', ${key(row)});`;
    for (const [event, body] of [
      ['INSERT', note('NEW')],
      ['DELETE', note('OLD')],
      ['UPDATE', note('OLD') + note('NEW')],
    ] as const) {
      connection.exec(
        `CREATE TEMP TRIGGER "watch_${name}_${event}" AFTER ${event} ON main."${name}" BEGIN ${body} END`,
      );
    }
  }
}

/** `now` is the connection with the change, `then` one that sees the state before it. */
export function readTouched(now: SqliteConnection, then: SqliteConnection): TouchedRows {
  const noted = now.prepare(`SELECT key FROM temp.${notes} WHERE name = ?`).pluck();
  const touched = new Map<string, TouchedTable>();
  for (const { name, keys } of tablesOf(now)) {
    const found = (noted.all(name) as string[]).map((key) => JSON.parse(key) as (string | number)[]);
    if (found.length === 0) continue;
    const select = `SELECT * FROM main."${name}" WHERE ${keys.map((key) => `"${key}" = ?`).join(' AND ')}`;
    const read = (connection: SqliteConnection): Row[] => {
      const statement = connection.prepare(select);
      return found.flatMap((key) => statement.all(...key) as Row[]);
    };
    touched.set(name, { keys, before: read(then), after: read(now) });
  }
  return touched;
}

/** A connection that sees one state of the file until it is closed. */
export function openHeld(file: string): SqliteConnection {
  const connection = openSqlite(file, { readonly: true, busyTimeout: 1000, cacheKib: 16_384 });
  connection.exec('BEGIN');
  // BEGIN alone takes no snapshot.
  connection.prepare('SELECT count(*) FROM migration').get();
  return connection;
}

/** Makes the connection show the rows as they are after the change. Statements are to be prepared afterwards. */
export function showChanged(connection: SqliteConnection, touched: TouchedRows): void {
  for (const shape of tablesOf(connection)) {
    const table = touched.get(shape.name);
    if (table === undefined) continue;
    if (copiedTables.has(shape.name)) copyTable(connection, shape, table);
    else coverTable(connection, shape, table);
  }
  // What names an index of a table means one that a view does not have.
  const prepare = connection.prepare.bind(connection);
  connection.prepare = ((sql: string) => prepare(sql.replace(/ INDEXED BY \w+/g, ''))) as typeof connection.prepare;
}

function copyTable(connection: SqliteConnection, shape: TableShape, table: TouchedTable): void {
  const { name } = shape;
  connection.exec(`CREATE TABLE temp."${name}" ${bodyOf(shape.sql)}`);
  connection.exec(`INSERT INTO temp."${name}" SELECT * FROM main."${name}"`);
  copyIndexes(connection, name, name);
  const remove = connection.prepare(`DELETE FROM temp."${name}" WHERE ${isKey(table.keys, '?')}`);
  for (const row of [...table.before, ...table.after]) remove.run(...table.keys.map((key) => row[key]));
  insertRows(connection, name, shape, table.after);
}

function coverTable(connection: SqliteConnection, shape: TableShape, table: TouchedTable): void {
  const { name, columns, keys } = shape;
  const [added, gone] = [`changed_${name}`, `gone_${name}`];
  connection.exec(`CREATE TABLE temp."${added}" ${bodyOf(shape.sql)}`);
  copyIndexes(connection, name, added);
  insertRows(connection, added, shape, table.after);
  const keyList = keys.map((key) => `"${key}"`).join(', ');
  // Of the table's own types, so that the keys are searched and not read one by one.
  connection.exec(`CREATE TABLE temp."${gone}" AS SELECT ${keyList} FROM main."${name}" LIMIT 0`);
  connection.exec(`CREATE UNIQUE INDEX temp."${gone}_key" ON "${gone}" (${keyList})`);
  const insert = connection.prepare(`INSERT OR IGNORE INTO temp."${gone}" VALUES (${keys.map(() => '?').join(', ')})`);
  for (const row of [...table.before, ...table.after]) insert.run(...keys.map((key) => row[key]));
  const list = columns.map((column) => `"${column}"`).join(', ');
  connection.exec(
    `CREATE TEMP VIEW "${name}" AS
     SELECT ${list} FROM main."${name}" AS own
     WHERE NOT EXISTS (SELECT 1 FROM temp."${gone}" AS gone WHERE ${keys.map((key) => `gone."${key}" = own."${key}"`).join(' AND ')})
     UNION ALL SELECT ${list} FROM temp."${added}"`,
  );
}

function insertRows(connection: SqliteConnection, name: string, { columns }: TableShape, rows: readonly Row[]): void {
  const list = columns.map((column) => `"${column}"`).join(', ');
  const insert = connection.prepare(
    `INSERT INTO temp."${name}" (${list}) VALUES (${columns.map(() => '?').join(', ')})`,
  );
  for (const row of rows) insert.run(...columns.map((column) => row[column]));
}

function isKey(keys: readonly string[], value: string): string {
  return keys.map((key) => `"${key}" = ${value}`).join(' AND ');
}

/** What follows the name in CREATE TABLE. */
function bodyOf(sql: string): string {
  return sql.slice(sql.indexOf('('));
}

function copyIndexes(connection: SqliteConnection, from: string, to: string): void {
  const indexes = connection
    .prepare("SELECT name, sql FROM main.sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL")
    .all(from) as { name: string; sql: string }[];
  for (const { name, sql } of indexes) {
    const unique = /^create unique/i.test(sql) ? 'UNIQUE ' : '';
    connection.exec(`CREATE ${unique}INDEX temp."${to}_${name}" ON "${to}" ${sql.slice(sql.indexOf('('))}`);
  }
}
