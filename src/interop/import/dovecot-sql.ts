// Users of a dovecot-sql.conf.ext: `iterate_query` tells their names; the password and user query are asked for each.

import { readFileSync } from 'node:fs';
import type { Log } from '../../lib/log.ts';
import type { SqlDialect } from '../../tables/sql/sql-quoting.ts';
import { type DovecotUser, withScheme } from './dovecot-user.ts';
import { ImportError } from './import-source.ts';
import { SourceDatabase, type SourceRow } from './source-database.ts';

export interface SqlUsers {
  readonly file: string;
  /** Throws TemporaryError. */
  users(): AsyncIterable<DovecotUser>;
  close(): void;
}

export function readDovecotSql(file: string, log: Log): SqlUsers {
  const settings = readSettings(file);
  const driver = settings.get('driver') ?? '';
  const dialect = driver === 'mysql' || driver === 'pgsql' || driver === 'sqlite' ? driver : undefined;
  if (dialect === undefined)
    throw new ImportError(`${file}: the driver "${driver}" is none of mysql, pgsql and sqlite`);
  const iterate = settings.get('iterate_query') ?? '';
  if (iterate === '') {
    throw new ImportError(
      `${file} has no iterate_query, without which nobody can tell the users: add one, as in SELECT username AS user FROM mailbox`,
    );
  }
  const database = new SourceDatabase(dialect, file, accountOf(settings.get('connect') ?? '', dialect), log);
  const scheme = settings.get('default_pass_scheme') ?? 'CRYPT';
  const queries = ['password_query', 'user_query']
    .map((name) => settings.get(name) ?? '')
    .filter((query) => query !== '');
  return { file, users: () => readUsers(database, iterate, queries, scheme), close: () => database.close() };
}

/** As main.cf's, with `\` at the end of a line that goes on. */
function readSettings(file: string): ReadonlyMap<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ImportError(`${file} cannot be read: ${(error as Error).message}`);
  }
  const settings = new Map<string, string>();
  for (const line of text.replace(/\\\r?\n[ \t]*/g, ' ').split('\n')) {
    const [, name = '', value = ''] = /^\s*([a-z_]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name !== '') settings.set(name, value.trim());
  }
  return settings;
}

/** `host=localhost dbname=mail user=dovecot password=secret port=3306`; for SQLite the file. */
function accountOf(connect: string, dialect: SqlDialect): ReadonlyMap<string, string> {
  if (dialect === 'sqlite') return new Map([['dbpath', connect.trim()]]);
  const given = new Map<string, string>();
  for (const [, name = '', quoted, plain] of connect.matchAll(/(\w+)=(?:'([^']*)'|(\S*))/g))
    given.set(name, quoted ?? plain ?? '');
  const host = given.get('host') ?? 'localhost';
  const port = given.get('port');
  const hosts = host.startsWith('/') ? `unix:${host}` : `${host}${port === undefined ? '' : `:${port}`}`;
  const account = new Map([['hosts', hosts]]);
  for (const name of ['user', 'password', 'dbname']) account.set(name, given.get(name) ?? '');
  return account;
}

async function* readUsers(
  database: SourceDatabase,
  iterate: string,
  queries: readonly string[],
  scheme: string,
): AsyncGenerator<DovecotUser> {
  for (const row of await database.select(iterate)) {
    const name = nameOf(row);
    if (name === '') continue;
    const fields: Record<string, string> = {};
    for (const query of queries) {
      const [found] = await database.select(fill(database, query, name));
      for (const [key, value] of Object.entries(found ?? {})) {
        if (value !== null) fields[key.replace(/^userdb_/, '')] ??= value;
      }
    }
    const { password, ...rest } = fields;
    yield { name, fields: rest, ...(password === undefined ? {} : { password: withScheme(password, scheme) }) };
  }
}

function nameOf(row: SourceRow): string {
  if (row['user']) return row['user'];
  return row['username'] && row['domain'] ? `${row['username']}@${row['domain']}` : (row['username'] ?? '');
}

/** Dovecot's variables within its quotes: %u the whole name, %n what is before the @, %d what is behind it. */
function fill(database: SourceDatabase, query: string, name: string): string {
  const at = name.lastIndexOf('@');
  const values: Readonly<Record<string, string>> = {
    u: name,
    n: at === -1 ? name : name.slice(0, at),
    d: at === -1 ? '' : name.slice(at + 1),
  };
  return query.replace(/%L?(?:\{(user|username|domain)\}|([und]))/g, (_all, word?: string, letter?: string) => {
    const key = word === 'username' ? 'n' : (letter ?? word?.[0] ?? 'u');
    return database.literal(values[key] ?? '').slice(1, -1);
  });
}
