// A session with PostgreSQL (12 or later): UTF-8, a primary that takes writes, and no transaction of ours that is left
// lying about for long.

import type { Client, ClientConfig } from 'pg';
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

/** A node that hangs must not keep the others from writing. */
const idleTransactionMilliseconds = 30_000;
const lockMilliseconds = 10_000;

/** Throws ServerUnavailable, or ServerRefusal where the account or the database is wrong. */
export async function openPostgresSession(address: ServerAddress, limits: SessionLimits): Promise<ServerSession> {
  const { level: wanted } = address.tls;
  const attempts: readonly TlsLevel[] = wanted === 'may' ? ['encrypt', 'none'] : [wanted];
  let failure: unknown;
  for (const level of attempts) {
    try {
      return await open(address, level, limits);
    } catch (error) {
      failure = error;
      if (!/does not support SSL/.test((error as Error).message)) break;
    }
  }
  throw failure;
}

async function open(address: ServerAddress, level: TlsLevel, limits: SessionLimits): Promise<ServerSession> {
  // Loaded by who uses it.
  const { Client } = await import('pg');
  const client = new Client({ ...optionsOf(address, level), connectionTimeoutMillis: limits.connectMilliseconds });
  const session = new PostgresSession(client, address.name, limits);
  try {
    await withinTime(client.connect(), limits.connectMilliseconds, () => new Error('no connection in time'));
    await session.prepare();
    return session;
  } catch (error) {
    session.close();
    throw translate(error, address.name);
  }
}

function optionsOf(address: ServerAddress, level: TlsLevel): ClientConfig {
  const { socket, host = '', port = 5432, user, password, database, tls } = address;
  const { ca, cert, key } = tls;
  const files = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return {
    host: socket ?? host,
    port,
    user,
    password,
    database,
    keepAlive: true,
    application_name: 'posthaste',
    ssl: level === 'none' ? false : { ...files, rejectUnauthorized: level === 'verify' },
  };
}

class PostgresSession implements ServerSession {
  readonly dialect = 'postgresql';
  readonly collation = '"C"';
  readonly host: string;
  readonly #client: Client;
  readonly #limits: SessionLimits;
  isOpen = true;

  constructor(client: Client, host: string, limits: SessionLimits) {
    this.host = host;
    this.#client = client;
    this.#limits = limits;
    const ended = (): void => {
      this.isOpen = false;
    };
    client.on('error', ended);
    client.on('end', ended);
  }

  async prepare(): Promise<void> {
    const { rows } = await this.query(
      `SET idle_in_transaction_session_timeout = ${idleTransactionMilliseconds};
       SET lock_timeout = ${lockMilliseconds};
       SET standard_conforming_strings = on;
       SELECT pg_is_in_recovery()::int, current_setting('server_encoding'), current_setting('transaction_read_only')`,
    );
    const [isStandby, encoding, isReadOnly] = rows[0] ?? [];
    if (isStandby === 1 || isReadOnly === 'on')
      throw new ServerUnavailable(`${this.host}: takes no writes (a standby)`);
    if (encoding !== 'UTF8') {
      throw new ServerRefusal(
        `${this.host}: the database is in ${encoding}: create it with ENCODING 'UTF8' TEMPLATE template0`,
        'encoding',
      );
    }
  }

  async query(sql: string, values: readonly SqlValue[] = []): Promise<SqlResult> {
    const answers = await this.#run(values.length === 0 ? sql : numberPlaceholders(sql), values);
    return resultOf(answers.at(-1));
  }

  async batch(statements: readonly SqlStatement[]): Promise<readonly number[]> {
    // Only the simple protocol takes several.
    const answers = await this.#run(statements.map(withLiterals).join(';\n'), []);
    return answers.map((answer) => resultOf(answer).affected);
  }

  async #run(text: string, values: readonly SqlValue[]): Promise<readonly unknown[]> {
    if (!this.isOpen) throw new ServerUnavailable(`${this.host}: the connection has ended`);
    const query = {
      text,
      ...(values.length === 0 ? {} : { values: [...values] }),
      rowMode: 'array',
      types: { getTypeParser: parserOf },
    };
    const { queryMilliseconds } = this.#limits;
    try {
      const answer: unknown = await withinTime(this.#client.query(query), queryMilliseconds, () => {
        this.close();
        return new ServerUnavailable(`${this.host}: no answer within ${queryMilliseconds / 1000} s`);
      });
      return Array.isArray(answer) ? answer : [answer];
    } catch (error) {
      const translated = translate(error, this.host);
      if (translated instanceof ServerUnavailable) this.close();
      throw translated;
    }
  }

  async *pages(sql: string, size: number): AsyncGenerator<readonly SqlRow[]> {
    await this.query(`DECLARE page CURSOR FOR ${sql}`);
    for (;;) {
      const { rows } = await this.query(`FETCH ${size} FROM page`);
      if (rows.length > 0) yield rows;
      if (rows.length < size) break;
    }
    await this.query('CLOSE page');
  }

  close(): void {
    this.isOpen = false;
    const { stream } = (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection;
    this.#client.end().catch(() => undefined);
    stream.destroy();
  }
}

interface PgAnswer {
  readonly rows: SqlRow[];
  readonly fields: readonly { readonly name: string }[];
  readonly rowCount: number | null;
}

function resultOf(answer: unknown): SqlResult {
  const { rows, fields, rowCount } = answer as PgAnswer;
  return { rows, fields: fields.map(({ name }) => name), affected: rowCount ?? 0 };
}

/** Whole numbers as numbers, all else as the server's text. */
function parserOf(oid: number): (text: string) => SqlValue {
  return [20, 21, 23, 26].includes(oid) ? Number : asText;
}

function asText(text: string): string {
  return text;
}

/** `?` outside of quotes becomes `$1`, `$2` ... */
function numberPlaceholders(sql: string): string {
  let number = 0;
  return sql.replace(/'[^']*'|"[^"]*"|\?/g, (part) => (part === '?' ? `$${++number}` : part));
}

/** Values in their places; the session has standard_conforming_strings on, so a quote is all there is to double. */
function withLiterals({ sql, values }: SqlStatement): string {
  let index = 0;
  return sql.replace(/'[^']*'|"[^"]*"|\?/g, (part) => (part === '?' ? literal(values[index++] ?? null) : part));
}

function literal(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return String(value);
  // What the server cannot keep it would cut off here.
  if (value.includes('\0')) throw new ServerRefusal('a text has a NUL octet, which PostgreSQL cannot keep', '22021');
  return `'${value.replaceAll("'", "''")}'`;
}

/** SQLSTATEs: Appendix A of PostgreSQL's documentation. */
function translate(error: unknown, host: string): Error {
  if (error instanceof ServerUnavailable || error instanceof ServerRefusal || error instanceof TryAgain) return error;
  const { code = '', message = '', severity } = error as { code?: string; message?: string; severity?: string };
  const text = `${host}: ${message}`;
  if (['40001', '40P01', '55P03'].includes(code)) return new TryAgain(text, { cause: error });
  const isServers = severity === 'ERROR' || severity === 'FATAL';
  // 25006: it has become a standby. 08 connection, 53 resources, 57 operator, 58 system.
  if (isServers && !/^(08|53|57|58)/.test(code) && code !== '25006') return new ServerRefusal(text, code);
  return new ServerUnavailable(text, { cause: error });
}
