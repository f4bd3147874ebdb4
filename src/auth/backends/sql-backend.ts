// `sql:FILE`: users in an SQL database, asked with Dovecot's own dovecot-sql.conf.ext (its pages AuthDatabase.SQL and
// PasswordDatabase.ExtraFields). `password_query` must return a column `password`, and at most one row; `user_query`
// says whether the account may have a mailbox; `iterate_query` lists all.
//
// How the servers are reached, how many connections there are and what happens when one fails is that of the mysql:,
// pgsql: and sqlite: tables. Values are escaped for the place in the query where their variable stands, as there.

import { TemporaryError } from '../../lib/temporary-error.ts';
import {
  quoteSqlValue,
  readSqlTemplate,
  type SqlMode,
  type TemplateReading,
  UnsafeSqlValue,
} from '../../tables/sql/sql-quoting.ts';
import type { SqlQuery, SqlServer } from '../../tables/sql/sql-table.ts';
import type { Credentials, LoginService } from '../types.ts';
import { loginValues, normalLogin } from './login-values.ts';
import { judge, readPassRow, type VerifyStored } from './pass-fields.ts';
import type { BackendAnswer, PasswordBackend, UserFields } from './types.ts';
import { expandTemplate, type VariableTemplate, type VariableValues } from './variables.ts';

export interface SqlBackendOptions {
  readonly name: string;
  readonly server: SqlServer;
  readonly passwordQuery: VariableTemplate;
  readonly userQuery: VariableTemplate | undefined;
  readonly iterateQuery: VariableTemplate | undefined;
  readonly defaultScheme: string;
  readonly verify: VerifyStored;
}

type Row = readonly (readonly [string, string | null])[];

export class SqlBackend implements PasswordBackend {
  readonly name: string;
  readonly #options: SqlBackendOptions;
  readonly #readings = new Map<string, TemplateReading>();

  constructor(options: SqlBackendOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get knowsUsers(): boolean {
    return this.#options.userQuery !== undefined;
  }

  async check(credentials: Credentials): Promise<BackendAnswer> {
    const { passwordQuery, defaultScheme, verify } = this.#options;
    const login = normalLogin(credentials.login);
    if (login === undefined) return { kind: 'unknown' };
    const rows = await this.#ask('password_query', passwordQuery, loginValues(login, credentials));
    const [row] = rows;
    if (row === undefined) return { kind: 'unknown' };
    if (rows.length > 1) throw new TemporaryError(`${this.name}: password_query returned several rows`);
    const read = readPassRow(login, row, defaultScheme);
    if (read.stored === undefined) throw new TemporaryError(`${this.name}: password_query returned no column password`);
    return await judge(read, credentials, this.name, verify);
  }

  async find(user: string, service: LoginService): Promise<UserFields | undefined> {
    const { userQuery } = this.#options;
    const login = normalLogin(user);
    if (login === undefined || userQuery === undefined) return undefined;
    const rows = await this.#ask(
      'user_query',
      userQuery,
      loginValues(login, { login: user, service, remoteAddress: '' }),
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    if (rows.length > 1) throw new TemporaryError(`${this.name}: user_query returned several rows`);
    return new Map(row.filter((column): column is [string, string] => column[1] !== null));
  }

  async names(): Promise<readonly string[] | undefined> {
    const { iterateQuery } = this.#options;
    if (iterateQuery === undefined) return undefined;
    const rows = await this.#ask('iterate_query', iterateQuery, () => '');
    return rows.map((row) => {
      const read = new Map(row);
      const domain = read.get('domain');
      const name = read.get('user') ?? read.get('username');
      if (name === undefined) throw new TemporaryError(`${this.name}: iterate_query returned no column user`);
      return domain === undefined || domain === null || domain === '' ? (name ?? '') : `${name}@${domain}`;
    });
  }

  close(): void {
    this.#options.server.close();
  }

  /** Columns by name: MySQL gives them as written, PostgreSQL in lower case unless quoted. */
  async #ask(what: string, template: VariableTemplate, values: VariableValues): Promise<readonly Row[]> {
    const [names = [], ...rows] = await this.#options.server.query((mode) => this.#make(what, template, values, mode));
    return rows.map((row) => names.map((name, index) => [name ?? '', row[index] ?? null] as const));
  }

  #make(what: string, template: VariableTemplate, values: VariableValues, mode: SqlMode): SqlQuery {
    const { places, statements, ending } = this.#readIn(what, template, mode);
    if (statements === 'several') throw new TemporaryError(`${this.name}: ${what} holds several statements`);
    try {
      const text = expandTemplate(template, values, (value, index) => {
        if (value.includes('\0')) throw new UnsafeSqlValue('the value has a NUL');
        return quoteSqlValue(value, places[index] ?? { kind: 'bare' });
      });
      return { text: ending === 0 ? text : text.slice(0, -ending), isOneSelect: false, withNames: true };
    } catch (error) {
      if (!(error instanceof UnsafeSqlValue)) throw error;
      // Not the value: it may be a password.
      throw new TemporaryError(`${this.name}: no safe ${what} for this login: ${error.message}`);
    }
  }

  #readIn(what: string, template: VariableTemplate, mode: SqlMode): TemplateReading {
    const name = `${what} ${mode.backslashEscapes} ${mode.doubleQuotesAreNames}`;
    let reading = this.#readings.get(name);
    if (reading === undefined) {
      reading = readSqlTemplate(template, mode);
      this.#readings.set(name, reading);
    }
    return reading;
  }
}
