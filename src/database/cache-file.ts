// A SQLite file that may be lost or broken without harm: it is not synced at each change, one that cannot be read is begun
// anew, and trouble with it is told and is nobody's trouble.

import { rmSync } from 'node:fs';
import { openSqlite, type SqliteConnection } from './sqlite.ts';

export interface CacheFileOptions {
  /** undefined: in memory. */
  readonly file: string | undefined;
  /** Statements that make what is not there. */
  readonly schema: string;
  readonly warn: (text: string) => void;
  /** What a warning begins with. */
  readonly name: string;
  /** Reads what is to be known of a file that has just been opened. */
  readonly onOpen: (database: SqliteConnection) => void;
}

export class CacheFile {
  readonly #options: CacheFileOptions;
  #database: SqliteConnection | undefined;

  constructor(options: CacheFileOptions) {
    this.#options = options;
  }

  /** Undefined where the file is of no use. */
  use<Result>(work: (database: SqliteConnection) => Result): Result | undefined {
    try {
      this.#database ??= this.#open();
      return work(this.#database);
    } catch (error) {
      this.#options.warn(`${this.#options.name}: ${(error as Error).message}`);
      return undefined;
    }
  }

  close(): void {
    this.#database?.close();
    this.#database = undefined;
  }

  #open(): SqliteConnection {
    const { file, warn } = this.#options;
    try {
      return this.#opened(file);
    } catch (error) {
      if (file === undefined) throw error;
      warn(`${file}: ${(error as Error).message}: begun anew`);
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
      return this.#opened(file);
    }
  }

  #opened(file: string | undefined): SqliteConnection {
    const database = openSqlite(file ?? ':memory:', { synchronous: 'NORMAL', cacheKib: 2048 });
    try {
      database.exec(this.#options.schema);
      this.#options.onOpen(database);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }
}
