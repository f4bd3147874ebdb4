// `pgsql:` tables (pgsql_table(5)): the servers in `hosts`, how a session with one is opened, and how its answers are
// read. What is asked and how rows become a result is in sql-table.ts, fail-over and limits in server-pool.ts.
//
// Postfix 3.7 speaks LATIN1 with every server, whatever Postfix's strings hold: the octets of `ä` in UTF-8 are two
// characters for the server. That is kept for parity; `encoding = UTF8` (Postfix 3.8) sends what is meant.
// The session itself is UTF-8 here, and the octets are mapped.

import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import type { Client } from 'pg';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { type PoolHost, RefusedQuery, type SqlAnswer, type SqlConnection } from './pool-host.ts';
import { openSharedPool, type SqlServerContext, type SqlTableContext } from './shared-pools.ts';
import type { SqlMode } from './sql-quoting.ts';
import { type SqlQuery, SqlTable, type SqlRows, type SqlServer } from './sql-table.ts';
import type { Table } from '../table.ts';
import { TableError } from '../table-error.ts';
import { openWithSettings, type TableSettings } from '../table-settings.ts';

const usualMode: SqlMode = { dialect: 'pgsql', backslashEscapes: false, doubleQuotesAreNames: true };

type Encoding = 'UTF8' | 'LATIN1';

interface PgsqlHost {
  readonly name: string;
  readonly isSocket: boolean;
  /** What pg's Client connects with, but for TLS. */
  readonly options: Readonly<Record<string, string | number>>;
  /** `prefer` as libpq does: a TCP server is asked for TLS, and used without where it has none. */
  readonly tls: 'never' | 'prefer' | 'as-the-uri-says';
}

export function openPgsqlTable(name: string, context: SqlTableContext): Table {
  return openWithSettings('pgsql', name, context, (settings) => {
    return new SqlTable(settings, context, openPgsqlServer(settings, context), usualMode);
  });
}

/** The servers that the settings name, shared with all tables that name the same. Throws TableError. */
export function openPgsqlServer(settings: TableSettings, context: SqlServerContext): SqlServer {
  const hosts = readHosts(settings);
  const encoding = readEncoding(settings);
  const idle = settings.seconds('idle_interval', 60);
  const retry = settings.seconds('retry_interval', 60);
  return openSharedPool(context, {
    key: JSON.stringify(['pgsql', hosts, encoding, idle, retry]),
    name: settings.table,
    hosts: () => hosts.map((host) => openHost(host, encoding, context)),
    idleMilliseconds: idle * 1000,
    retryMilliseconds: retry * 1000,
  });
}

function readEncoding(settings: TableSettings): Encoding {
  const text = settings.text('encoding', 'LATIN1').toUpperCase().replaceAll(/[-_]/g, '');
  if (text === 'UTF8' || text === 'UNICODE') return 'UTF8';
  if (text === 'LATIN1' || text === 'ISO88591') return 'LATIN1';
  throw new TableError(`${settings.table}: encoding ${text}: only UTF8 and LATIN1 are supported`);
}

function readHosts(settings: TableSettings): PgsqlHost[] {
  const account = {
    user: settings.text('user') || userInfo().username,
    password: settings.text('password'),
    database: settings.required('dbname'),
  };
  const names = settings.text('hosts').split(/[\s,]+/);
  const given = names.filter((name) => name !== '');
  return (given.length > 0 ? given : ['localhost']).map((name) => parseHost(name, account));
}

/** `postgresql://...`, which says all; `host:port`, or the folder of the socket, `inet:` and `unix:` being ornament. */
function parseHost(name: string, account: Readonly<Record<string, string>>): PgsqlHost {
  if (/^postgres(ql)?:/.test(name)) {
    // libpq's meaning of sslmode, in which `require` does not ask for a certificate that somebody signed.
    const separator = name.includes('?') ? '&' : '?';
    const connectionString = `${name}${separator}uselibpqcompat=true`;
    return { name: hidePassword(name), isSocket: false, options: { connectionString }, tls: 'as-the-uri-says' };
  }
  const text = /^(unix|inet):/.test(name) ? name.slice(5) : name;
  if (text === '' || text.startsWith('/')) {
    const host = text === '' ? '/var/run/postgresql' : text;
    return { name, isSocket: true, options: { ...account, host, port: 5432 }, tls: 'never' };
  }
  const colon = isIP(text) === 6 ? -1 : text.lastIndexOf(':');
  const host = (colon === -1 ? text : text.slice(0, colon)).replace(/^\[(.*)\]$/, '$1');
  const port = colon === -1 ? 5432 : Number(text.slice(colon + 1));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new TableError(`pgsql: hosts: bad port in ${name}`);
  return { name, isSocket: false, options: { ...account, host, port }, tls: 'prefer' };
}

function hidePassword(uri: string): string {
  return uri.replace(/^([a-z]+:\/\/[^/:@]*):[^@/]*@/, '$1@').replace(/([?&]password=)[^&]*/, '$1\u2026');
}

function openHost(host: PgsqlHost, encoding: Encoding, context: SqlServerContext): PoolHost {
  const { connectMilliseconds } = context.limits;
  // What the server was content with is tried first the next time.
  let attempts: readonly object[] = [{}];
  if (host.tls === 'prefer') attempts = [{ ssl: { rejectUnauthorized: false } }, { ssl: false }];
  if (host.tls === 'prefer' && isLoopback(host)) attempts = attempts.toReversed();
  return {
    name: host.name,
    isSocket: host.isSocket,
    maxTogether: 1,
    connect: async (onEnd) => {
      let failure: unknown;
      for (const attempt of attempts) {
        try {
          const client = await openClient({ ...host.options, ...attempt }, connectMilliseconds, onEnd);
          attempts = [attempt, ...attempts.filter((other) => other !== attempt)];
          return await openSession(client, encoding);
        } catch (error) {
          failure = error;
          if (!isAboutTls(error)) break;
        }
      }
      throw failure;
    },
  };
}

/** Where nobody listens in between, plain comes first: encryption would only cost. */
function isLoopback(host: PgsqlHost): boolean {
  return ['localhost', '127.0.0.1', '::1'].includes(String(host.options['host']));
}

/** The server has no TLS, or its pg_hba.conf wants the other. */
function isAboutTls(error: unknown): boolean {
  const { message = '', code = '' } = error as { message?: string; code?: string };
  return message.includes('does not support SSL') || (code === '28000' && /pg_hba\.conf|encryption/.test(message));
}

async function openClient(options: object, connectMilliseconds: number, onEnd: () => void): Promise<Client> {
  // Loaded by who uses it.
  const { Client } = await import('pg');
  const client = new Client({ ...options, connectionTimeoutMillis: connectMilliseconds, keepAlive: true });
  client.on('error', onEnd);
  client.on('end', onEnd);
  try {
    await client.connect();
    return client;
  } catch (error) {
    closeClient(client);
    throw error;
  }
}

interface Named {
  readonly name: string;
}

async function openSession(client: Client, encoding: Encoding): Promise<SqlConnection> {
  const settings = "SELECT current_setting('standard_conforming_strings'), current_setting('server_encoding')";
  const [row] = await runQuery(client, settings);
  // A database in SQL_ASCII converts nothing: what is sent is what is stored.
  const isMapped = encoding === 'LATIN1' && row?.[1] !== 'SQL_ASCII';
  return {
    mode: { ...usualMode, backslashEscapes: row?.[0] !== 'on' },
    query: (queries) => Promise.all(queries.map((query) => ask(client, query, isMapped))),
    close: () => closeClient(client),
  };
}

/** Never waits for the server's good-bye: it may hang. */
function closeClient(client: Client): void {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  client.end().catch(() => undefined);
  stream.destroy();
}

async function ask(client: Client, query: SqlQuery, isMapped: boolean): Promise<SqlAnswer> {
  const { text, withNames = false } = query;
  try {
    if (!isMapped) return await runQuery(client, text, withNames);
    const rows = await runQuery(client, Buffer.from(text, 'utf8').toString('latin1'), withNames);
    return rows.map((values) => values.map(fromLatin1));
  } catch (error) {
    if (error instanceof RefusedQuery || error instanceof TemporaryError) return error;
    throw error;
  }
}

async function runQuery(client: Client, sql: string, withNames = false): Promise<SqlRows> {
  try {
    // Without parameters this is the simple protocol; every value comes as the server's text.
    const result: unknown = await client.query({ text: sql, rowMode: 'array', types: { getTypeParser: () => asText } });
    // Of several statements the last one's rows count, as with PQexec().
    const last = (Array.isArray(result) ? result.at(-1) : result) as { rows: (string | null)[][]; fields: Named[] };
    return withNames ? [last.fields.map(({ name }) => name), ...last.rows] : last.rows;
  } catch (error) {
    if (isRefusal(error)) throw new RefusedQuery((error as Error).message);
    throw error;
  }
}

function asText(value: string): string {
  return value;
}

/** An error of the query: SQLSTATE classes 08, 53, 57 and 58 are the server's own trouble. */
function isRefusal(error: unknown): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && severity === 'ERROR' && !/^(08|53|57|58)/.test(code);
}

/** The server's characters as the octets that a LATIN1 session would get, read as UTF-8. */
function fromLatin1(value: string | null): string | null {
  if (value === null) return null;
  // A LATIN1 session is refused what LATIN1 does not have.
  if (/[^\0-\xff]/.test(value)) throw new RefusedQuery('the result has characters that LATIN1 does not have');
  const text = Buffer.from(value, 'latin1').toString('utf8');
  if (text.includes('\ufffd')) throw new TemporaryError('the result is not UTF-8 (encoding = UTF8 may be meant)');
  return text;
}
