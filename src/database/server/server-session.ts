// One connection to a database server, PostgreSQL or MariaDB/MySQL, as who needs transactions sees it (tables that only ask
// have tables/sql/server-pool.ts). SQL is written for both alike: `?` for values, "double quotes" around names; rows are
// arrays of texts and whole numbers.
//
// What can go wrong has three kinds: the server cannot be asked now (another host may be), the transaction met another one
// and is to be made again, the server refuses the statement.

export type ServerDialect = 'postgresql' | 'mysql';
export type SqlValue = string | number | null;
export type SqlRow = readonly SqlValue[];

export interface SqlResult {
  readonly rows: readonly SqlRow[];
  readonly fields: readonly string[];
  /** Rows that were inserted, updated or deleted. */
  readonly affected: number;
}

export interface SqlStatement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

export interface ServerSession {
  readonly dialect: ServerDialect;
  /** As the settings name it. */
  readonly host: string;
  /** The text collation that compares octets, as DDL writes it. */
  readonly collation: string;
  readonly isOpen: boolean;
  /** Throws ServerUnavailable, TryAgain, ServerRefusal. */
  query(sql: string, values?: readonly SqlValue[]): Promise<SqlResult>;
  /** Several statements in one packet; of each how many rows it has changed. */
  batch(statements: readonly SqlStatement[]): Promise<readonly number[]>;
  /** The rows of one SELECT, so many at a time: a table of any size. Inside a transaction. */
  pages(sql: string, size: number): AsyncIterable<readonly SqlRow[]>;
  /** Never waits for the server. */
  close(): void;
}

export interface SessionLimits {
  readonly connectMilliseconds: number;
  /** A statement that takes longer ends the session. */
  readonly queryMilliseconds: number;
}

/** What is connected to, and as whom. */
export interface ServerAddress {
  readonly dialect: ServerDialect;
  /** As written in the settings. */
  readonly name: string;
  readonly host?: string;
  readonly port?: number;
  /** A socket's path; PostgreSQL's is made of its folder and the port. */
  readonly socket?: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: ServerTls;
}

/** In Postfix's words: `may` is TLS where the server has it. */
export interface ServerTls {
  readonly level: 'none' | 'may' | 'encrypt' | 'verify';
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** It cannot be asked now. */
export class ServerUnavailable extends Error {
  override name = 'ServerUnavailable';
}

/** Another transaction was first: a deadlock, a serialization failure, Galera's certification. */
export class TryAgain extends Error {
  override name = 'TryAgain';
}

/** The server's own words on a statement. */
export class ServerRefusal extends Error {
  override name = 'ServerRefusal';
  /** SQLSTATE or MySQL's error number. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** `work` in one transaction. What it threw comes through, after a rollback. */
export async function inServerTransaction<T>(
  session: ServerSession,
  kind: 'write' | 'snapshot',
  work: () => Promise<T>,
): Promise<T> {
  await beginTransaction(session, kind);
  let result: T;
  try {
    result = await work();
  } catch (error) {
    if (session.isOpen) await session.query('ROLLBACK').catch(() => session.close());
    throw error;
  }
  await session.query('COMMIT');
  return result;
}

/**
 * A snapshot shows one state for all its statements; a writing transaction shows at each what has been committed. The
 * result is that of `first`, which goes in the same packet.
 */
export async function beginTransaction(
  session: ServerSession,
  kind: 'write' | 'snapshot',
  first = 'SELECT 1',
): Promise<SqlResult> {
  if (session.dialect === 'postgresql') {
    const mode = kind === 'write' ? 'READ COMMITTED READ WRITE' : 'REPEATABLE READ READ ONLY';
    return await session.query(`BEGIN ISOLATION LEVEL ${mode}; ${first}`);
  }
  const level = `SET TRANSACTION ISOLATION LEVEL ${kind === 'write' ? 'READ COMMITTED' : 'REPEATABLE READ'}`;
  const start = kind === 'write' ? 'START TRANSACTION' : 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY';
  return await session.query(`${level}; ${start}; ${first}`);
}

/** `"name"`, in both dialects: MySQL's sessions are opened with ANSI_QUOTES. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Waits for `work` no longer than so many milliseconds; then `giveUp` says what is wrong. */
export async function withinTime<T>(work: Promise<T>, milliseconds: number, giveUp: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(giveUp()), milliseconds);
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}
