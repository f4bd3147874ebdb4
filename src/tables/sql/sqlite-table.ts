// `sqlite:` tables (sqlite_table(5)): a query in a database file, `dbpath`. Only the first column counts there.
// Each file has a thread (sqlite-worker.ts), which its tables share. A file that is missing, locked for long, or no
// database is "could not find out"; Postfix makes an empty database of a missing one.

import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { TemporaryError } from '../../lib/temporary-error.ts';
import type { ServerLimits, SqlServerContext, SqlTableContext } from './shared-pools.ts';
import type { SqlMode } from './sql-quoting.ts';
import { type MakeQuery, SqlTable, type SqlRows, type SqlServer } from './sql-table.ts';
import type { SqliteAnswer, SqliteQuestion } from './sqlite-worker.ts';
import type { Table } from '../table.ts';
import { openWithSettings, type TableSettings } from '../table-settings.ts';

const mode: SqlMode = { dialect: 'sqlite', backslashEscapes: false, doubleQuotesAreNames: true };

export function openSqliteTable(name: string, context: SqlTableContext): Table {
  return openWithSettings('sqlite', name, context, (settings) => {
    return new SqlTable(settings, context, openSqliteServer(settings, context), mode);
  });
}

/** The file that the settings name, shared with all tables that name the same. Throws TableError. */
export function openSqliteServer(settings: TableSettings, context: SqlServerContext): SqlServer {
  const path = resolve(settings.required('dbpath'));
  const key = JSON.stringify(['sqlite', path]);
  const server = context.pools.get(key) ?? new SqliteThread(path, context.limits);
  context.pools.set(key, server);
  return server;
}

interface Pending {
  readonly resolve: (rows: SqlRows) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

class SqliteThread implements SqlServer {
  readonly #path: string;
  readonly #limits: ServerLimits;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  /** A thread that did not answer in time and has not ended yet. */
  #stuck: Worker | undefined;
  #nextId = 0;
  #isClosed = false;

  constructor(path: string, limits: ServerLimits) {
    this.#path = path;
    this.#limits = limits;
  }

  async query(make: MakeQuery): Promise<SqlRows> {
    const { text: sql, withNames = false } = make(mode);
    const path = this.#path;
    return await new Promise((succeed, reject) => {
      if (this.#stuck !== undefined) return reject(new TemporaryError(`${path}: an earlier query is still running`));
      if (this.#pending.size >= this.#limits.maxWaiting) {
        return reject(new TemporaryError(`${path}: ${this.#pending.size} lookups wait already`));
      }
      const worker = (this.#worker ??= this.#start());
      const id = this.#nextId++;
      const timer = setTimeout(() => this.#giveUp(), this.#limits.queryMilliseconds);
      this.#pending.set(id, { resolve: succeed, reject, timer });
      // A command waits for its answer, and ends when none is open.
      worker.ref();
      const busyMilliseconds = Math.floor(this.#limits.queryMilliseconds / 4);
      worker.postMessage({ id, path, sql, withNames, busyMilliseconds } satisfies SqliteQuestion);
    });
  }

  /** What is being asked is answered first; a lookup may still come, and starts a thread anew. */
  close(): void {
    this.#isClosed = true;
    this.#endIfClosed();
  }

  #endIfClosed(): void {
    if (!this.#isClosed || this.#pending.size > 0) return;
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
  }

  #start(): Worker {
    // The build turns .ts into .js but leaves strings alone.
    const file = import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js';
    const worker = new Worker(new URL(file, import.meta.url));
    worker.unref();
    worker.on('message', (answer: SqliteAnswer) => this.#answered(worker, answer));
    worker.on('error', (error) => this.#ended(worker, error.message));
    worker.on('exit', () => this.#ended(worker, 'the thread ended'));
    return worker;
  }

  #answered(worker: Worker, { id, rows, error }: SqliteAnswer): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (this.#pending.size === 0) worker.unref();
    if (rows !== undefined) pending.resolve(rows);
    else pending.reject(new TemporaryError(`${this.#path}: ${error}`));
    this.#endIfClosed();
  }

  /** A query in native code cannot be stopped: until it ends by itself, no other is asked. */
  #giveUp(): void {
    this.#stuck = this.#worker;
    this.#worker = undefined;
    this.#refuseAll(`${this.#path}: no answer within ${this.#limits.queryMilliseconds / 1000} s`);
    this.#stuck?.unref();
    void this.#stuck?.terminate();
  }

  #ended(worker: Worker, reason: string): void {
    if (worker === this.#stuck) this.#stuck = undefined;
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    this.#refuseAll(`${this.#path}: ${reason}`);
  }

  #refuseAll(reason: string): void {
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new TemporaryError(reason));
    }
    this.#pending.clear();
  }
}
