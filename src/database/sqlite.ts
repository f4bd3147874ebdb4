// Opens SQLite files the one way we use them: WAL, `synchronous` set on every connection (the library's
// own default differs between new and existing files, so it is never left to chance), and no automatic
// checkpoints where the store's own thread makes them (mailstore/checkpoint-worker.ts).

import { closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';

export type SqliteConnection = Database.Database;
export type Statement = Database.Statement;

export type Synchronous = 'FULL' | 'NORMAL';

export interface OpenSqliteOptions {
  readonly readonly?: boolean;
  readonly synchronous?: Synchronous;
  /** Milliseconds to wait for another process's lock; 0 on threads that must not block. */
  readonly busyTimeout?: number;
  /** Page cache in KiB. */
  readonly cacheKib?: number;
  /** Leave checkpoints to somebody else. */
  readonly manualCheckpoints?: boolean;
  /** No WAL: for a file that serves only as a lock. */
  readonly rollbackJournal?: boolean;
}

/** Opens (and, unless `readonly`, creates) a database file in WAL mode; a new one is closed to other users. */
export function openSqlite(file: string, options: OpenSqliteOptions = {}): SqliteConnection {
  const { readonly = false, synchronous = 'FULL', busyTimeout = 0, cacheKib = 8192 } = options;
  if (!readonly && file !== ':memory:') createClosed(file);
  const database = new Database(file, { readonly, timeout: busyTimeout });
  if (!readonly && !options.rollbackJournal) {
    // Page size and auto_vacuum count only before the first table is made.
    database.pragma('page_size = 4096');
    database.pragma('auto_vacuum = INCREMENTAL');
    database.pragma('journal_mode = WAL');
  }
  database.pragma(`synchronous = ${synchronous}`);
  database.pragma(`cache_size = -${cacheKib}`);
  database.pragma('foreign_keys = ON');
  database.pragma('temp_store = MEMORY');
  if (options.manualCheckpoints) database.pragma('wal_autocheckpoint = 0');
  return database;
}

/**
 * SQLite itself makes a file that everybody may read, with hashes of passwords in it; its WAL and its index get the modes of
 * the file. What stands in the way here SQLite says better.
 */
function createClosed(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o640));
  } catch {
    // It is there already, or cannot be made.
  }
}

/** The result code of a SQLite error (`SQLITE_FULL`, `SQLITE_IOERR_WRITE` ...), or undefined for other errors. */
export function sqliteCode(error: unknown): string | undefined {
  return error instanceof Database.SqliteError ? error.code : undefined;
}
