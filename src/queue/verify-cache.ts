// What is known of verified addresses (address_verify_map), so that a server is not asked about the same one again and
// again. A cache: it may be lost or broken without harm, so it is not synced at each change, and a file that cannot be
// read is begun anew. Bounded: a stranger who tries addresses drives out the oldest answers, not the disk.
//
// With address_verify_map empty the answers are kept in memory only, as in Postfix; else in `verify.db` of the data
// folder, whatever table that parameter names.

import { CacheFile } from '../database/cache-file.ts';
import type { SqliteConnection } from '../database/sqlite.ts';

export interface VerifyEntry {
  readonly status: 'deliverable' | 'undeliverable';
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly updated: number;
  /** Where mail for the address went when it was asked: an answer from elsewhere is none. */
  readonly route: string;
}

export interface VerifyCacheOptions {
  /** undefined: in memory. */
  readonly file: string | undefined;
  readonly warn: (text: string) => void;
  readonly maxEntries?: number;
}

const usualMaxEntries = 200_000;
/** Driven out at a time. */
const evictedShare = 0.1;
const maxText = 500;

const schema = `CREATE TABLE IF NOT EXISTS address (
  address TEXT PRIMARY KEY, status TEXT NOT NULL, text TEXT NOT NULL, updated INTEGER NOT NULL, route TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS address_updated ON address (updated);`;

export class VerifyCache {
  readonly #options: VerifyCacheOptions;
  readonly #cache: CacheFile;
  #count = 0;

  constructor(options: VerifyCacheOptions) {
    this.#options = options;
    const { file, warn } = options;
    const onOpen = (database: SqliteConnection): void => {
      this.#count = (database.prepare('SELECT count(*) AS count FROM address').get() as { count: number }).count;
    };
    this.#cache = new CacheFile({ file, warn, schema, name: 'address_verify_map', onOpen });
  }

  get(address: string): VerifyEntry | undefined {
    return this.#cache.use((database) => {
      const row = database.prepare('SELECT status, text, updated, route FROM address WHERE address = ?').get(address);
      return row as VerifyEntry | undefined;
    });
  }

  put(address: string, { status, text, updated, route }: VerifyEntry): void {
    this.#cache.use((database) => {
      const isKnown = database.prepare('SELECT 1 FROM address WHERE address = ?').get(address) !== undefined;
      if (!isKnown && this.#count >= this.#max) this.#evict(database);
      database
        .prepare('INSERT OR REPLACE INTO address (address, status, text, updated, route) VALUES (?, ?, ?, ?, ?)')
        .run(address, status, text.slice(0, maxText), updated, route.slice(0, maxText));
      if (!isKnown) this.#count++;
    });
  }

  remove(address: string): void {
    this.#cache.use((database) => {
      this.#count -= database.prepare('DELETE FROM address WHERE address = ?').run(address).changes;
    });
  }

  /** After a change of the configuration: whoever was refused by the old one is asked about again. */
  forgetRefusals(): void {
    this.#cache.use((database) => {
      this.#count -= database.prepare(`DELETE FROM address WHERE status <> 'deliverable'`).run().changes;
    });
  }

  /** Removes what has expired. */
  cleanUp(positiveBefore: number, negativeBefore: number): void {
    this.#cache.use((database) => {
      const sql = `DELETE FROM address WHERE updated < CASE status WHEN 'deliverable' THEN ? ELSE ? END`;
      this.#count -= database.prepare(sql).run(positiveBefore, negativeBefore).changes;
    });
  }

  close(): void {
    this.#cache.close();
  }

  get #max(): number {
    return this.#options.maxEntries ?? usualMaxEntries;
  }

  #evict(database: SqliteConnection): void {
    const sql = 'DELETE FROM address WHERE address IN (SELECT address FROM address ORDER BY updated LIMIT ?)';
    this.#count -= database.prepare(sql).run(Math.max(1, Math.floor(this.#max * evictedShare))).changes;
  }
}
