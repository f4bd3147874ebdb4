// What mysql:, pgsql: and sqlite: tables have in common (mysql_table(5), pgsql_table(5), sqlite_table(5)): which keys
// are asked at all, how the query is made, and how rows become one result.
//  - the key is folded first; with `domain` set only `user@domain` of a listed domain is asked; a key that lacks a
//    part that `query` or `result_format` needs is not asked: all of these are "not found";
//  - every column of every row is one value (sqlite: the first column); NULL is left out, an empty one with a
//    warning; each goes through `result_format`, and they are joined by commas; none left is "not found";
//  - more values than `expansion_limit`, an error, a server that is down or silent are "could not find out".

import { foldKey } from '../../address/form.ts';
import type { ProgramLog } from '../../lib/log.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { type KeyDomains, openKeyDomains } from '../key-domains.ts';
import { KeyTemplates, type Template } from '../key-templates.ts';
import { makeKeysQuery } from './keys-query.ts';
import { quoteSqlValue, readSqlTemplate, type SqlMode, type TemplateReading, UnsafeSqlValue } from './sql-quoting.ts';
import { type Found, type LookupResult, notFound, type Table } from '../table.ts';
import type { ServerTableContext, TableSettings } from '../table-settings.ts';
import { TableError } from '../table-error.ts';

export type SqlRows = readonly (readonly (string | null)[])[];

export interface SqlQuery {
  readonly text: string;
  /** May be sent in one packet with others. */
  readonly isOneSelect: boolean;
  /** The names of the columns are wanted too: they come as a row before the others. */
  readonly withNames?: boolean;
}

/** Makes the query for the session that will run it. Throws TemporaryError. */
export type MakeQuery = (mode: SqlMode) => SqlQuery;

export interface SqlServer {
  /** Runs one query. Throws TemporaryError. */
  query(make: MakeQuery): Promise<SqlRows>;
  close(): void;
}

// A result of this size is a mistake in the query; Postfix would build it.
const maxResultLength = 4 << 20;

/** For explain the query says where the rows stand; it is put into words only for those who ask. */
class FoundRows implements Found {
  readonly kind = 'found';
  readonly value: string;
  readonly #table: string;
  readonly #query: string;

  constructor(value: string, table: string, query: string) {
    this.value = value;
    this.#table = table;
    this.#query = query;
  }

  get source(): string {
    return `${this.#table}: ${this.#query}`;
  }
}

export class SqlTable implements Table {
  readonly name: string;
  readonly kind = 'fixed';
  readonly isServed: boolean;
  readonly #server: SqlServer;
  readonly #log: ProgramLog;
  readonly #templates: KeyTemplates;
  readonly #query: Template;
  readonly #resultFormat: Template;
  readonly #expansionLimit: number;
  readonly #domain: KeyDomains | undefined;
  readonly #readings = new Map<string, TemplateReading>();

  /** `mode` is the usual one, in which the template is looked through for unquoted placeholders. Throws TableError. */
  constructor(settings: TableSettings, context: ServerTableContext, server: SqlServer, mode: SqlMode) {
    this.name = settings.table;
    // SQLite is a file, and asked in turn.
    this.isServed = mode.dialect !== 'sqlite';
    this.#server = server;
    this.#log = context.log;
    this.#templates = new KeyTemplates(settings.table);
    this.#query = this.#templates.parseQuery(readQuery(settings, mode));
    this.#resultFormat = this.#templates.parseResult(settings.text('result_format') || '%s');
    this.#expansionLimit = settings.integer('expansion_limit', 0);
    this.#domain = openKeyDomains(settings, context);
    this.#warnOfBarePlaceholders(mode);
  }

  async lookup(key: string): Promise<LookupResult> {
    const folded = foldKey(key);
    // A NUL ends Postfix's strings, and PostgreSQL's: no row can have been meant.
    if (folded.includes('\0') || !this.#templates.accepts(folded)) return notFound;
    if (this.#domain !== undefined && !(await this.#domain.accepts(folded))) return notFound;
    let asked = '';
    const rows = await this.#server.query((mode) => {
      const query = this.#makeQuery(folded, mode);
      asked = query.text;
      return query;
    });
    const value = this.#join(rows, folded);
    return value === '' ? notFound : new FoundRows(value, this.name, asked);
  }

  async keys(): Promise<readonly string[] | undefined> {
    const keys = makeKeysQuery(this.#query);
    if (keys === undefined) return undefined;
    const rows = await this.#server.query(() => ({ text: keys.query, isOneSelect: false }));
    return rows.flatMap((row) => keys.keyOf(row) ?? []);
  }

  close(): void {
    this.#server.close();
  }

  #makeQuery(key: string, mode: SqlMode): SqlQuery {
    const { places, statements, ending } = this.#readIn(mode);
    // As libmysqlclient is used by Postfix, it sends one; PostgreSQL's library takes several.
    if (statements === 'several' && mode.dialect === 'mysql') {
      throw new TemporaryError(`table ${this.name}: the query holds several statements`);
    }
    try {
      const quote = (value: string, index: number): string => quoteSqlValue(value, places[index] ?? { kind: 'bare' });
      const text = this.#templates.expandQuery(this.#query, key, quote) ?? '';
      return { text: ending === 0 ? text : text.slice(0, -ending), isOneSelect: statements === 'one-select' };
    } catch (error) {
      if (!(error instanceof UnsafeSqlValue)) throw error;
      throw new TemporaryError(`table ${this.name}: no safe query for ${JSON.stringify(key)}: ${error.message}`);
    }
  }

  #readIn(mode: SqlMode): TemplateReading {
    const name = `${mode.backslashEscapes} ${mode.doubleQuotesAreNames}`;
    let reading = this.#readings.get(name);
    if (reading === undefined) {
      reading = readSqlTemplate(this.#query, mode);
      this.#readings.set(name, reading);
    }
    return reading;
  }

  #join(rows: SqlRows, key: string): string {
    let value = '';
    let count = 0;
    for (const row of rows) {
      for (const column of row) {
        if (column === '') this.#log.warning(`table ${this.name}: empty lookup result for: "${key}" -- ignored`);
        const one = column === null ? undefined : this.#templates.expandResult(this.#resultFormat, column, key);
        if (one === undefined) continue;
        if (this.#expansionLimit > 0 && ++count > this.#expansionLimit) {
          throw this.#tooMuch(key, 'expansion limit exceeded');
        }
        value += value === '' ? one : `,${one}`;
        if (value.length > maxResultLength)
          throw this.#tooMuch(key, `result of more than ${maxResultLength} characters`);
      }
    }
    return value;
  }

  #tooMuch(key: string, what: string): TemporaryError {
    this.#log.warning(`table ${this.name}: ${what} for key: "${key}"`);
    return new TemporaryError(`table ${this.name}: ${what} for key: "${key}"`);
  }

  #warnOfBarePlaceholders(mode: SqlMode): void {
    const bare = this.#readIn(mode).places.findIndex((place) => place.kind === 'bare');
    if (bare < 0) return;
    this.#log.warning(
      `table ${this.name}: query: %${this.#query.placeholders[bare]} stands outside quotes; ` +
        'keys with anything but letters, digits, "_", "." and "@" there are a temporary error',
    );
  }
}

/** `query`, or the one that the older parameters make. */
function readQuery(settings: TableSettings, { dialect }: SqlMode): string {
  const query = settings.text('query');
  if (query !== '') return query;
  const procedure = dialect === 'pgsql' ? settings.text('select_function') : '';
  if (procedure !== '') return `SELECT ${procedure}('%s')`;
  if (settings.text('table') === '') throw new TableError(`${settings.table}: no query is set`);
  const [table, select, where] = ['table', 'select_field', 'where_field'].map((name) => settings.required(name));
  return `SELECT ${select} FROM ${table} WHERE ${where} = '%s' ${settings.text('additional_conditions')}`;
}
