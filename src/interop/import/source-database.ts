// The database of another mail system, read page by page: with the account of a Postfix `.cf` file (mysql_table(5),
// pgsql_table(5), sqlite_table(5)), by the connections that our tables use. Only SELECTs are sent. Pages follow a key,
// so that memory stays bounded and an index is read in order; the proof asks the same database by Postfix's queries.

import { readFileSync } from 'node:fs';
import { systemClock } from '../../lib/clock.ts';
import { type Log, ProgramLog } from '../../lib/log.ts';
import { openMysqlServer } from '../../tables/sql/mysql-table.ts';
import { openPgsqlServer } from '../../tables/sql/pgsql-table.ts';
import type { SqlServerContext } from '../../tables/sql/shared-pools.ts';
import { quoteSqlValue, type SqlDialect, type SqlMode } from '../../tables/sql/sql-quoting.ts';
import type { SqlRows, SqlServer } from '../../tables/sql/sql-table.ts';
import { openSqliteServer } from '../../tables/sql/sqlite-table.ts';
import { parseTableFile, TableSettings } from '../../tables/table-settings.ts';
import { ImportError } from './import-source.ts';

export type SourceRow = Readonly<Record<string, string | null>>;

/** How to connect, as a table's `.cf` file says it. */
export type SourceAccount = ReadonlyMap<string, string>;

export interface Selection {
  /** Name -> SQL expression. */
  readonly columns: Readonly<Record<string, string>>;
  readonly from: string;
  readonly where?: string;
  /** One or two SQL expressions that are unique together and in an index; each must be a column's expression. */
  readonly key: readonly [string] | readonly [string, string];
  /** The key is whole numbers. */
  readonly isNumeric?: boolean;
  /** Its second part is. */
  readonly isSecondNumeric?: boolean;
}

const rowsPerPage = 5000;
/** A page of a table without the right index is sorted first. */
const limits = { connectMilliseconds: 10_000, queryMilliseconds: 300_000, maxConnections: 2, maxWaiting: 100 };

export class SourceDatabase {
  readonly name: string;
  readonly dialect: SqlDialect;
  readonly account: SourceAccount;
  readonly #server: SqlServer;

  constructor(dialect: SqlDialect, name: string, account: SourceAccount, log: Log) {
    this.dialect = dialect;
    this.name = name;
    // Postfix reads PostgreSQL as Latin 1 (pgsql_table(5)): for names of people that is never meant.
    this.account = dialect === 'pgsql' ? new Map([['encoding', 'UTF8'], ...account]) : account;
    const settings = new TableSettings(name, (parameter) => this.account.get(parameter));
    const context: SqlServerContext = {
      log: new ProgramLog(log, 'import'),
      clock: systemClock,
      limits,
      pools: new Map(),
    };
    const open = { mysql: openMysqlServer, pgsql: openPgsqlServer, sqlite: openSqliteServer }[dialect];
    this.#server = open(settings, context);
  }

  /** Rows in the order of the key, some thousand at a time. Throws TemporaryError. */
  async *pages(selection: Selection): AsyncGenerator<readonly SourceRow[]> {
    const names = Object.keys(selection.columns);
    let after: readonly string[] | undefined;
    for (;;) {
      const rows: SourceRow[] = [];
      // Within the first part of the key, then beyond it: a comparison of pairs is no range of an index in MySQL.
      for (const condition of this.#conditions(selection, after)) {
        if (rows.length < rowsPerPage)
          rows.push(...(await this.#page(selection, condition, rowsPerPage - rows.length)));
      }
      if (rows.length === 0) return;
      yield rows;
      const last = rows.at(-1) as SourceRow;
      after = selection.key.map((expression) => {
        const name = names.find((one) => selection.columns[one] === expression);
        return (name === undefined ? undefined : last[name]) ?? '';
      });
    }
  }

  /** One SELECT as it stands, with the names of its columns in lower case. Throws TemporaryError. */
  async select(text: string): Promise<SourceRow[]> {
    const [names = [], ...rows] = await this.#server.query(() => ({ text, isOneSelect: false, withNames: true }));
    return rows.map((row) =>
      Object.fromEntries(names.map((name, index) => [(name ?? '').toLowerCase(), row[index] ?? null])),
    );
  }

  /** Throws TemporaryError. */
  async count(table: string, where = ''): Promise<number> {
    const rows = await this.#ask(() => `SELECT COUNT(*) FROM ${table}${where === '' ? '' : ` WHERE ${where}`}`);
    return Number(rows[0]?.[0] ?? 0);
  }

  /** The names of its columns in lower case; undefined where there is no such table. Throws TemporaryError. */
  async columns(table: string): Promise<ReadonlySet<string> | undefined> {
    const sqlite = `SELECT name FROM pragma_table_info(${literal(table, 'sqlite')})`;
    const mine = this.dialect === 'mysql' ? 'table_schema = DATABASE()' : 'table_schema = ANY (current_schemas(false))';
    const schema = `SELECT column_name FROM information_schema.columns WHERE ${mine} AND table_name = `;
    const rows = await this.#ask((mode) =>
      this.dialect === 'sqlite' ? sqlite : schema + literal(table, this.dialect, mode),
    );
    return rows.length === 0 ? undefined : new Set(rows.map(([name]) => (name ?? '').toLowerCase()));
  }

  /** Refuses a database without this table, or without one of its columns. */
  async need(system: string, table: string, needed: readonly string[]): Promise<ReadonlySet<string>> {
    const columns = await this.columns(table);
    if (columns === undefined) {
      throw new ImportError(`${this.name} has no table ${table}: is it the database of ${system}?`);
    }
    const missing = needed.find((name) => !columns.has(name));
    if (missing === undefined) return columns;
    throw new ImportError(
      `${this.name}: the table ${table} has no column ${missing}: is it the database of ${system}?`,
    );
  }

  /** Text in quotes, for a condition. */
  literal(text: string): string {
    return literal(text, this.dialect);
  }

  /** `one` and the others, joined. */
  concat(...parts: readonly string[]): string {
    return this.dialect === 'mysql' ? `CONCAT(${parts.join(', ')})` : parts.join(' || ');
  }

  /** A column that is true, 1 or 't'. */
  isTrue(column: string): string {
    return this.dialect === 'pgsql' ? `${column}::text IN ('t', 'true', '1')` : `${column} = 1`;
  }

  close(): void {
    this.#server.close();
  }

  #conditions(
    { key, isNumeric, isSecondNumeric }: Selection,
    after: readonly string[] | undefined,
  ): readonly ((mode: SqlMode) => string)[] {
    if (after === undefined) return [() => ''];
    const [one, other] = key;
    const value = (at: number, mode: SqlMode): string =>
      isNumeric || (at === 1 && isSecondNumeric)
        ? String(Number(after[at]))
        : literal(after[at] ?? '', this.dialect, mode);
    const first = (mode: SqlMode): string => value(0, mode);
    const beyond = (mode: SqlMode): string => `${one} > ${first(mode)}`;
    if (other === undefined) return [beyond];
    return [(mode) => `${one} = ${first(mode)} AND ${other} > ${value(1, mode)}`, beyond];
  }

  async #page(
    { columns, from, where, key }: Selection,
    condition: (mode: SqlMode) => string,
    limit: number,
  ): Promise<SourceRow[]> {
    const names = Object.keys(columns);
    const list = names.map((name) => `${columns[name]} AS ${name}`).join(', ');
    const rows = await this.#ask((mode) => {
      const all = [where ?? '', condition(mode)].filter((one) => one !== '').map((one) => `(${one})`);
      const filter = all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`;
      return `SELECT ${list} FROM ${from}${filter} ORDER BY ${key.join(', ')} LIMIT ${limit}`;
    });
    return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])));
  }

  /** With the names, since a sqlite: table gives its first column alone without them. */
  async #ask(text: (mode: SqlMode) => string): Promise<SqlRows> {
    const [, ...rows] = await this.#server.query((mode) => ({ text: text(mode), isOneSelect: false, withNames: true }));
    return rows;
  }
}

function literal(text: string, dialect: SqlDialect, mode?: SqlMode): string {
  const backslashEscapes = mode?.backslashEscapes ?? dialect === 'mysql';
  return `'${quoteSqlValue(text, { kind: 'quoted', quote: "'", backslashEscapes })}'`;
}

/** `mysql:FILE`, `pgsql:FILE` with a Postfix `.cf` file, `sqlite:FILE` also with the database itself. */
export function readAccount(source: string): { readonly dialect: SqlDialect; readonly account: SourceAccount } {
  const [, type = '', file = ''] = /^(?:proxy:)?(mysql|pgsql|sqlite):(.+)$/.exec(source) ?? [];
  if (file === '') {
    throw new ImportError(
      `"${source}" names no database: write mysql:FILE, pgsql:FILE or sqlite:FILE, FILE being a Postfix table's .cf file`,
    );
  }
  const dialect = type as SqlDialect;
  try {
    const bytes = readFileSync(file);
    if (dialect === 'sqlite' && bytes.subarray(0, 15).toString('latin1') === 'SQLite format 3') {
      return { dialect, account: new Map([['dbpath', file]]) };
    }
    return { dialect, account: parseTableFile(bytes.toString('utf8'), file) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new ImportError(`${file} cannot be read: ${(error as Error).message}`);
  }
}
