// A session with MariaDB (10.6 or later) or MySQL (8.0 or later): utf8mb4, strict, names in double quotes. A server that is
// read-only, or a Galera node outside of its cluster's majority, is as one that is down. Under Galera each statement waits
// until the node has all that was committed on another one before (wsrep_sync_wait).

import type { Connection, ConnectionOptions, QueryError } from 'mysql2';
import { isIP } from 'node:net';
import { checkServerIdentity, TLSSocket } from 'node:tls';
import {
  type ServerAddress,
  ServerRefusal,
  type ServerSession,
  type ServerTls,
  ServerUnavailable,
  type SessionLimits,
  type SqlResult,
  type SqlRow,
  type SqlStatement,
  type SqlValue,
  TryAgain,
  withinTime,
} from '../server/server-session.ts';

type TlsLevel = Exclude<ServerTls['level'], 'may'>;

const sqlMode = 'ANSI_QUOTES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO';
const lockSeconds = 10;
/** A node that hangs must not keep the others from writing. */
const idleTransactionSeconds = 30;

/** Throws ServerUnavailable, or ServerRefusal where the account or the database is wrong. */
export async function openMysqlSession(address: ServerAddress, limits: SessionLimits): Promise<ServerSession> {
  const { level: wanted } = address.tls;
  const attempts: readonly TlsLevel[] = wanted === 'may' ? ['encrypt', 'none'] : [wanted];
  let failure: unknown;
  for (const level of attempts) {
    try {
      return await open(address, level, limits);
    } catch (error) {
      failure = error;
      if (!/does not support secure connection/i.test((error as Error).message)) break;
    }
  }
  throw failure;
}

async function open(address: ServerAddress, level: TlsLevel, limits: SessionLimits): Promise<ServerSession> {
  // Loaded by who uses it: it takes 0.1 s and several MiB.
  const { createConnection } = await import('mysql2');
  const connection = createConnection(optionsOf(address, level, limits));
  const session = new MysqlSession(connection, address.name, limits);
  try {
    await session.prepare(level === 'verify' && isIP(address.host ?? '') !== 0 ? address.host : undefined);
    return session;
  } catch (error) {
    session.close();
    throw translate(error, address.name);
  }
}

function optionsOf(address: ServerAddress, level: TlsLevel, limits: SessionLimits): ConnectionOptions {
  const { host = '', port = 3306, socket, user, password, database, tls } = address;
  const { ca, cert, key } = tls;
  const files = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  const isVerified = level === 'verify';
  return {
    ...(socket === undefined ? { host, port } : { socketPath: socket }),
    user,
    password,
    database,
    charset: 'utf8mb4',
    connectTimeout: limits.connectMilliseconds,
    // A session never reads a file of ours for the server. FOUND_ROWS: an UPDATE counts what it found, as in PostgreSQL.
    flags: ['-LOCAL_FILES', 'FOUND_ROWS'],
    multipleStatements: true,
    rowsAsArray: true,
    // mysql2 holds a certificate against `localhost` where the server is named by its address: see verifyAddress.
    ...(level === 'none'
      ? {}
      : { ssl: { ...files, rejectUnauthorized: isVerified, verifyIdentity: isVerified && isIP(host) === 0 } }),
  };
}

class MysqlSession implements ServerSession {
  readonly dialect = 'mysql';
  /** MySQL's own name for it is found out in `prepare`. Both compare octets, trailing blanks too. */
  collation = 'utf8mb4_nopad_bin';
  readonly host: string;
  readonly #connection: Connection;
  readonly #limits: SessionLimits;
  isOpen = true;

  constructor(connection: Connection, host: string, limits: SessionLimits) {
    this.host = host;
    this.#connection = connection;
    this.#limits = limits;
    const ended = (): void => {
      this.isOpen = false;
    };
    connection.on('error', ended);
    connection.on('end', ended);
  }

  async prepare(verifiedAddress: string | undefined): Promise<void> {
    // mysql2 bounds only the TCP connect: a server that accepts and says nothing is given up here.
    const { connectMilliseconds } = this.#limits;
    const first = `SET SESSION sql_mode = '${sqlMode}', innodb_lock_wait_timeout = ${lockSeconds}`;
    await withinTime(this.query(first), connectMilliseconds, () => {
      return new ServerUnavailable(`${this.host}: no connection within ${connectMilliseconds / 1000} s`);
    });
    if (verifiedAddress !== undefined) verifyAddress(this.#connection, verifiedAddress);
    const { rows } = await this.query(
      "SHOW VARIABLES WHERE Variable_name IN ('version', 'read_only', 'wsrep_on', 'idle_write_transaction_timeout')",
    );
    const known = new Map(rows.map(([name, value]) => [String(name), String(value)]));
    if (known.get('read_only') === 'ON') throw new ServerUnavailable(`${this.host}: takes no writes (read_only)`);
    if (!/mariadb/i.test(known.get('version') ?? '')) this.collation = 'utf8mb4_0900_bin';
    if (known.has('idle_write_transaction_timeout')) {
      await this.query(`SET SESSION idle_write_transaction_timeout = ${idleTransactionSeconds}`);
    }
    if (known.get('wsrep_on') === 'ON') await this.#prepareGalera();
  }

  async #prepareGalera(): Promise<void> {
    const { rows } = await this.query("SHOW STATUS LIKE 'wsrep_ready'");
    if (rows[0]?.[1] !== 'ON') throw new ServerUnavailable(`${this.host}: the Galera node is not ready`);
    await this.query('SET SESSION wsrep_sync_wait = 7');
  }

  async query(sql: string, values: readonly SqlValue[] = []): Promise<SqlResult> {
    const [result, fields] = await this.#run(sql, values);
    return resultOf(result, fields);
  }

  async batch(statements: readonly SqlStatement[]): Promise<readonly number[]> {
    const sql = statements.map((statement) => statement.sql).join(';\n');
    const [result] = await this.#run(
      sql,
      statements.flatMap(({ values }) => values),
    );
    return (Array.isArray(result) ? result : [result]).map(
      (one) => (one as { affectedRows?: number }).affectedRows ?? 0,
    );
  }

  async #run(sql: string, values: readonly SqlValue[]): Promise<[result: unknown, fields: unknown]> {
    if (!this.isOpen) throw new ServerUnavailable(`${this.host}: the connection has ended`);
    const { queryMilliseconds } = this.#limits;
    const answer = new Promise<[unknown, unknown]>((resolve, reject) => {
      this.#connection.query({ sql, values: [...values] }, (error: QueryError | null, result, fields) => {
        if (error === null) resolve([result, fields]);
        else reject(error);
      });
    });
    try {
      return await withinTime(answer, queryMilliseconds, () => {
        this.close();
        return new ServerUnavailable(`${this.host}: no answer within ${queryMilliseconds / 1000} s`);
      });
    } catch (error) {
      const translated = translate(error, this.host);
      if (translated instanceof ServerUnavailable) this.close();
      throw translated;
    }
  }

  async *pages(sql: string, size: number): AsyncGenerator<readonly SqlRow[]> {
    let page: SqlRow[] = [];
    try {
      const rows = this.#connection.query({ sql }).stream({ highWaterMark: size });
      for await (const row of rows) {
        page.push(row as SqlRow);
        if (page.length < size) continue;
        yield page;
        page = [];
      }
    } catch (error) {
      this.close();
      throw translate(error, this.host);
    }
    if (page.length > 0) yield page;
  }

  close(): void {
    this.isOpen = false;
    this.#connection.destroy();
  }
}

/** Of several statements the last one's. */
function resultOf(result: unknown, fields: unknown): SqlResult {
  const isSeveral = Array.isArray(fields) && fields.some((one) => one === undefined || Array.isArray(one));
  const last = isSeveral ? (result as unknown[]).at(-1) : result;
  const names = isSeveral ? (fields as unknown[]).at(-1) : fields;
  if (!Array.isArray(last)) {
    return { rows: [], fields: [], affected: (last as { affectedRows?: number } | undefined)?.affectedRows ?? 0 };
  }
  const headings = (Array.isArray(names) ? names : []) as readonly { readonly name: string }[];
  return { rows: last as SqlRow[], fields: headings.map(({ name }) => name), affected: 0 };
}

/** Throws where the certificate is for another address; the authority has been checked with the handshake. */
function verifyAddress(connection: Connection, address: string): void {
  const { stream } = connection as unknown as { stream: unknown };
  if (!(stream instanceof TLSSocket)) throw new ServerUnavailable('the server has no TLS');
  const problem = checkServerIdentity(address, stream.getPeerCertificate());
  if (problem !== undefined) throw new ServerUnavailable(problem.message);
}

/** A deadlock (also Galera's certification), a lock waited for too long, a record that changed since it was read. */
const tryAgainErrors = new Set([1205, 1213, 1020]);
/** Too many connections, shutting down, read-only, not in the cluster, killed. */
const unavailableErrors = new Set([1040, 1041, 1047, 1053, 1129, 1130, 1203, 1290, 1317, 1792, 1836, 1927, 4031]);

function translate(error: unknown, host: string): Error {
  if (error instanceof ServerUnavailable || error instanceof ServerRefusal || error instanceof TryAgain) return error;
  const { errno = 0, sqlState, message = '' } = error as { errno?: number; sqlState?: string; message?: string };
  const text = `${host}: ${message}`;
  if (tryAgainErrors.has(errno)) return new TryAgain(text, { cause: error });
  const isServers = sqlState !== undefined && !unavailableErrors.has(errno);
  return isServers ? new ServerRefusal(text, String(errno)) : new ServerUnavailable(text, { cause: error });
}
