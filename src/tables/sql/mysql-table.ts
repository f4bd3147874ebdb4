// `mysql:` tables (mysql_table(5)): the servers in `hosts`, how a session with one is opened, and how its answers are
// read. What is asked and how rows become a result is in sql-table.ts, fail-over and limits in server-pool.ts.
//
// Values come as the text that the server sends, as in Postfix: numbers and dates are not converted. Values are
// escaped as the session's sql_mode asks, which is read once for each connection.

import type { Connection, ConnectionOptions, QueryError } from 'mysql2';
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, TLSSocket } from 'node:tls';
import { readMysqlOptions } from './mysql-options.ts';
import { type PoolHost, RefusedQuery, type SqlAnswer, type SqlConnection } from './pool-host.ts';
import { openSharedPool, type SqlServerContext, type SqlTableContext } from './shared-pools.ts';
import type { SqlMode } from './sql-quoting.ts';
import { type SqlQuery, SqlTable, type SqlRows, type SqlServer } from './sql-table.ts';
import type { Table } from '../table.ts';
import { TableError } from '../table-error.ts';
import { openWithSettings, type TableSettings } from '../table-settings.ts';
import { readTlsFiles, type TlsFiles } from '../table-tls.ts';

const usualMode: SqlMode = { dialect: 'mysql', backslashEscapes: true, doubleQuotesAreNames: false };
// libmariadb's and libmysqlclient's places for the socket that `localhost` stands for.
const usualSockets = ['/run/mysqld/mysqld.sock', '/var/lib/mysql/mysql.sock', '/tmp/mysql.sock'];
// In the others a backslash may be the second octet of a character, and escaping is not safe.
const charsets = new Set(['utf8mb4', 'utf8mb3', 'utf8', 'latin1', 'ascii', 'binary']);
/** A slow one holds up those behind it. */
const maxTogether = 32;

interface MysqlSession {
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly charset: string;
  readonly tls: TlsFiles | undefined;
  readonly requireResultSet: boolean;
}

export function openMysqlTable(name: string, context: SqlTableContext): Table {
  return openWithSettings('mysql', name, context, (settings) => {
    return new SqlTable(settings, context, openMysqlServer(settings, context), usualMode);
  });
}

/** The servers that the settings name, shared with all tables that name the same. Throws TableError. */
export function openMysqlServer(settings: TableSettings, context: SqlServerContext): SqlServer {
  const { hosts, session, idle, retry } = readSettings(settings, context);
  return openSharedPool(context, {
    key: JSON.stringify(['mysql', hosts, session, idle, retry]),
    name: settings.table,
    hosts: () => hosts.map((host) => openHost(host, session, context)),
    idleMilliseconds: idle * 1000,
    retryMilliseconds: retry * 1000,
  });
}

interface MysqlHost {
  readonly name: string;
  readonly socketPath?: string;
  readonly host?: string;
  readonly port?: number;
}

function readSettings(settings: TableSettings, context: SqlServerContext) {
  const options = readMysqlOptions(settings.text('option_file'), settings.text('option_group', 'client'), context.log);
  const charset = (settings.text('charset') || options.get('default-character-set') || 'utf8mb4').toLowerCase();
  if (!charsets.has(charset)) {
    throw new TableError(
      `${settings.table}: charset ${charset}: only ${[...charsets].join(', ')} can be escaped safely`,
    );
  }
  const names = settings.text('hosts').split(/[\s,]+/);
  const hosts = names.filter((name) => name !== '').map((name) => parseHost(name, options));
  const tlsFile = (ours: string, theirs: string): string => settings.text(ours) || (options.get(theirs) ?? '');
  const session: MysqlSession = {
    user: settings.text('user') || (options.get('user') ?? ''),
    password: settings.text('password') || (options.get('password') ?? ''),
    database: settings.required('dbname'),
    charset,
    tls: readTlsFiles(settings.table, {
      caFile: tlsFile('tls_CAfile', 'ssl-ca'),
      caFolder: tlsFile('tls_CApath', 'ssl-capath'),
      certificateFile: tlsFile('tls_cert_file', 'ssl-cert'),
      keyFile: tlsFile('tls_key_file', 'ssl-key'),
      ciphers: tlsFile('tls_ciphers', 'ssl-cipher'),
      verifyName: settings.flag('tls_verify_cert', /^(1|on|true)$/i.test(options.get('ssl-verify-server-cert') ?? '')),
    }),
    requireResultSet: settings.flag('require_result_set', true),
  };
  return {
    hosts: hosts.length > 0 ? hosts : [parseHost('localhost', options)],
    session,
    idle: settings.seconds('idle_interval', 60),
    retry: settings.seconds('retry_interval', 60),
  };
}

/** `unix:path`, `inet:host:port`, `host:port`, `host`; `localhost` is the socket, as for all of MySQL's programs. */
function parseHost(name: string, options: ReadonlyMap<string, string>): MysqlHost {
  if (name.startsWith('unix:')) return { name, socketPath: name.slice(5) };
  const text = name.startsWith('inet:') ? name.slice(5) : name;
  const colon = isIP(text) === 6 ? -1 : text.lastIndexOf(':');
  const host = colon === -1 ? text : text.slice(0, colon);
  if (host.toLowerCase() === 'localhost') {
    const usual = usualSockets.find((path) => existsSync(path)) ?? '/run/mysqld/mysqld.sock';
    return { name, socketPath: options.get('socket') ?? usual };
  }
  const port = Number((colon === -1 ? options.get('port') : text.slice(colon + 1)) || 3306);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new TableError(`mysql: hosts: bad port in ${name}`);
  return { name, host: host.replace(/^\[(.*)\]$/, '$1'), port };
}

function openHost(host: MysqlHost, session: MysqlSession, context: SqlServerContext): PoolHost {
  const options: ConnectionOptions = {
    ...(host.socketPath === undefined
      ? { host: host.host ?? '', port: host.port ?? 3306 }
      : { socketPath: host.socketPath }),
    user: session.user,
    password: session.password,
    database: session.database,
    charset: session.charset,
    connectTimeout: context.limits.connectMilliseconds,
    // A session never reads a file of ours for the server; several lookups' SELECTs go in one packet.
    flags: ['-LOCAL_FILES'],
    multipleStatements: true,
  };
  const { tls } = session;
  // mysql2 holds a certificate against `localhost` where the server is named by its IP address.
  const address = tls?.verifyName === true && isIP(host.host ?? '') !== 0 ? host.host : undefined;
  if (tls !== undefined) {
    const { verifyName, ...files } = tls;
    const rejectUnauthorized = verifyName || files.ca !== undefined;
    options.ssl = { ...files, rejectUnauthorized, verifyIdentity: verifyName && address === undefined };
  }
  return {
    name: host.name,
    isSocket: host.socketPath !== undefined,
    maxTogether,
    connect: (onEnd) => connect(options, session, address, context.limits.connectMilliseconds, onEnd),
  };
}

async function connect(
  options: ConnectionOptions,
  session: MysqlSession,
  verifiedAddress: string | undefined,
  connectMilliseconds: number,
  onEnd: () => void,
): Promise<SqlConnection> {
  // Loaded by who uses it: it takes 0.1 s and several MiB.
  const { createConnection } = await import('mysql2');
  const connection = createConnection(options);
  // Failures are told to whoever waits for an answer; between two, the pool throws the connection away.
  connection.on('error', onEnd);
  connection.on('end', onEnd);
  const sendsUtf8 = session.charset.startsWith('utf8');
  let mode = usualMode;
  const encode = (sql: string): string => (sendsUtf8 ? sql : Buffer.from(sql, 'utf8').toString('latin1'));
  const ask = async ({ text, withNames = false }: SqlQuery): Promise<SqlAnswer> => {
    try {
      return readSets(await runQuery(connection, encode(text), withNames), session.requireResultSet);
    } catch (error) {
      if (error instanceof RefusedQuery) return error;
      throw error;
    }
  };
  const askTogether = async (queries: readonly SqlQuery[]): Promise<readonly SqlAnswer[]> => {
    if (queries.length > 1 && queries.every(({ isOneSelect }) => isOneSelect)) {
      try {
        const sets = await runQuery(connection, encode(queries.map(({ text }) => text).join(';\n')));
        if (sets.length === queries.length) return sets.map(readRows);
      } catch (error) {
        // The server stopped at the first that it refuses: each says for itself whether it is that one.
        if (!(error instanceof RefusedQuery)) throw error;
      }
    }
    return await Promise.all(queries.map(ask));
  };
  // mysql2 bounds only the TCP connect: a server that accepts and says nothing is given up here.
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    const fail = (): void => reject(new Error(`no connection within ${connectMilliseconds / 1000} s`));
    timer = setTimeout(fail, connectMilliseconds);
  });
  try {
    const rows = await Promise.race([ask({ text: 'SELECT @@SESSION.sql_mode', isOneSelect: true }), silence]);
    if (rows instanceof Error) throw rows;
    mode = modeOf(rows[0]?.[0] ?? '');
    if (verifiedAddress !== undefined) verifyAddress(connection, verifiedAddress);
  } catch (error) {
    connection.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return { mode, query: askTogether, close: () => connection.destroy() };
}

/** Throws where the certificate is for another address; the authority has been checked with the handshake. */
function verifyAddress(connection: Connection, address: string): void {
  const { stream } = connection as unknown as { stream: unknown };
  if (!(stream instanceof TLSSocket)) throw new Error('the server has no TLS');
  const problem = checkServerIdentity(address, stream.getPeerCertificate());
  if (problem !== undefined) throw problem;
}

function modeOf(sqlMode: string): SqlMode {
  const modes = new Set(sqlMode.toUpperCase().split(','));
  return {
    dialect: 'mysql',
    backslashEscapes: !modes.has('NO_BACKSLASH_ESCAPES'),
    doubleQuotesAreNames: modes.has('ANSI_QUOTES'),
  };
}

function runQuery(connection: Connection, sql: string, withNames = false): Promise<readonly unknown[][]> {
  return new Promise((resolve, reject) => {
    // typeCast: false leaves every column as the octets that the server sent.
    connection.query({ sql, rowsAsArray: true, typeCast: false }, (error: QueryError | null, result, fields) => {
      if (error === null) resolve(withNames ? namedSets(result, fields) : resultSets(result, fields));
      else reject(isRefusal(error) ? new RefusedQuery(error.message) : error);
    });
  });
}

/** Throws RefusedQuery. */
function readSets(sets: readonly unknown[][], requireResultSet: boolean): SqlRows {
  // A stored procedure may answer with one set of rows and its status (mysql_table(5), STORED PROCEDURES).
  if (sets.length > 1) throw new RefusedQuery('multiple result sets returning data are not supported');
  const [rows] = sets;
  if (rows === undefined && requireResultSet) {
    throw new RefusedQuery('query returned no result set (require_result_set = yes)');
  }
  return readRows(rows ?? []);
}

function readRows(rows: readonly unknown[]): SqlRows {
  return rows.map((row) => (row as readonly (Buffer | string | null)[]).map(textOf));
}

/** The sets that hold rows: mysql2 gives one set bare, and several in an array, with statuses among them. */
function resultSets(result: unknown, fields: unknown): unknown[][] {
  if (!Array.isArray(result)) return [];
  const isSeveral = Array.isArray(fields) && fields.some((one) => one === undefined || Array.isArray(one));
  return isSeveral ? (result as unknown[]).filter((one): one is unknown[] => Array.isArray(one)) : [result];
}

/** The sets with the names of their columns as their first rows. */
function namedSets(result: unknown, fields: unknown): unknown[][] {
  const headings = (Array.isArray(fields) ? fields : []).filter((one) => one !== undefined);
  const perSet = (Array.isArray(headings[0]) ? headings : [headings]) as readonly { readonly name: string }[][];
  return resultSets(result, fields).map((rows, index) => [(perSet[index] ?? []).map(({ name }) => name), ...rows]);
}

/** Like Postfix's strings, a value ends at a NUL. */
function textOf(value: Buffer | string | null): string | null {
  if (value === null) return null;
  const text = value.toString();
  const nul = text.indexOf('\0');
  return nul === -1 ? text : text.slice(0, nul);
}

/** An error that the server sent about the query; not that it shuts down (1053), was killed (1317, 1927) or is lost. */
function isRefusal(error: QueryError): boolean {
  return error.sqlState !== undefined && !error.fatal && ![1053, 1317, 1927, 4031].includes(error.errno ?? 0);
}
