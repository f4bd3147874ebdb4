// What defence remembers over a restart (defence.db in the data folder): lock-outs, networks from which accounts have
// logged in, greylisted senders, clients that have passed the tests before the banner, what users have sent.
// A cache of what strangers did: changes are written together, once a second, and not synced, so a crash may
// forget the last second and a file that cannot be read is begun anew; no mail depends on it. Bounded: each kind has
// a largest number of entries, and what would expire first goes first.

import { CacheFile } from '../database/cache-file.ts';
import type { SqliteConnection, Statement } from '../database/sqlite.ts';
import type { Clock } from '../lib/clock.ts';

export interface DefenceStoreOptions {
  /** undefined: in memory. */
  readonly file: string | undefined;
  readonly clock: Clock;
  readonly warn: (text: string) => void;
  readonly flushMilliseconds?: number;
}

interface Entry {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

const schema = `CREATE TABLE IF NOT EXISTS entry (
  kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_expires ON entry (kind, expires);`;

/** More changes than this are not gathered: written at once they would hold up everybody. */
const maxWaiting = 300;
/** Driven out at a time, for the same reason. */
const evictedEntries = 100;
/** What has expired is taken out in small steps too; what is left goes first when there is no room. */
const cleanUpMilliseconds = 10_000;
const cleanedEntries = 300;

export class DefenceStore {
  readonly #options: DefenceStoreOptions;
  readonly #limits = new Map<string, number>();
  readonly #counts = new Map<string, number>();
  /** Changes that are not written yet; undefined: removed. */
  #waiting = new Map<string, { readonly kind: string; readonly key: string; readonly entry: Entry | undefined }>();
  readonly #file: CacheFile;
  readonly #statements = new Map<string, Statement>();
  #timer: NodeJS.Timeout | undefined;
  #cleaner: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: DefenceStoreOptions) {
    this.#options = options;
    const { file, warn } = options;
    const onOpen = (database: SqliteConnection): void => {
      const rows = database.prepare('SELECT kind, count(*) AS count FROM entry GROUP BY kind').all();
      for (const { kind, count } of rows as { kind: string; count: number }[]) this.#counts.set(kind, count);
    };
    this.#file = new CacheFile({ file, warn, schema, name: file ?? 'memory', onOpen });
    this.#cleaner = setInterval(() => this.cleanUp(), cleanUpMilliseconds);
    this.#cleaner.unref();
  }

  /** One kind of entries, at most so many. */
  kept<Value>(kind: string, maxEntries: number): KeptEntries<Value> {
    this.#limits.set(kind, maxEntries);
    return new KeptEntries<Value>(this, kind);
  }

  read(kind: string, key: string): string | undefined {
    const waiting = this.#waiting.get(`${kind} ${key}`);
    const entry =
      waiting === undefined
        ? this.#try((db) => this.#sql(db, 'SELECT value, expires FROM entry WHERE kind = ? AND key = ?').get(kind, key))
        : waiting.entry;
    const found = entry as Entry | undefined;
    return found !== undefined && found.expires > this.#options.clock.now() ? found.value : undefined;
  }

  write(kind: string, key: string, entry: Entry | undefined): void {
    if (this.#isClosed) return;
    this.#waiting.set(`${kind} ${key}`, { kind, key, entry });
    if (this.#waiting.size >= maxWaiting) return this.flush();
    this.#timer ??= setTimeout(() => this.flush(), this.#options.flushMilliseconds ?? 1000);
    this.#timer.unref();
  }

  entries(kind: string): { readonly key: string; readonly value: string }[] {
    this.flush();
    const sql = 'SELECT key, value FROM entry WHERE kind = ? AND expires > ? ORDER BY key';
    const rows = this.#try((db) => db.prepare(sql).all(kind, this.#options.clock.now()));
    return (rows ?? []) as { key: string; value: string }[];
  }

  count(kind: string): number {
    this.flush();
    return this.#try(() => this.#counts.get(kind)) ?? 0;
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const changes = this.#waiting;
    if (changes.size === 0) return;
    this.#waiting = new Map();
    this.#try((db) =>
      db.transaction(() => {
        for (const { kind, key, entry } of changes.values()) this.#apply(db, kind, key, entry);
      })(),
    );
  }

  cleanUp(): void {
    this.flush();
    this.#try((db) => {
      const sql = `DELETE FROM entry WHERE kind = ? AND key IN
        (SELECT key FROM entry WHERE kind = ? AND expires <= ? ORDER BY expires LIMIT ?)`;
      for (const kind of this.#limits.keys()) {
        const { changes } = this.#sql(db, sql).run(kind, kind, this.#options.clock.now(), cleanedEntries);
        this.#counts.set(kind, (this.#counts.get(kind) ?? 0) - changes);
      }
    });
  }

  close(): void {
    this.flush();
    this.#isClosed = true;
    this.#statements.clear();
    clearInterval(this.#cleaner);
    this.#file.close();
  }

  #apply(db: SqliteConnection, kind: string, key: string, entry: Entry | undefined): void {
    const isKnown = this.#sql(db, 'SELECT 1 FROM entry WHERE kind = ? AND key = ?').get(kind, key) !== undefined;
    const count = this.#counts.get(kind) ?? 0;
    if (entry === undefined) {
      if (!isKnown) return;
      this.#sql(db, 'DELETE FROM entry WHERE kind = ? AND key = ?').run(kind, key);
      this.#counts.set(kind, count - 1);
      return;
    }
    const { value, expires } = entry;
    const sql = 'INSERT OR REPLACE INTO entry (kind, key, value, expires) VALUES (?, ?, ?, ?)';
    this.#sql(db, sql).run(kind, key, value, Math.round(expires));
    if (isKnown) return;
    this.#counts.set(kind, count + 1);
    const max = this.#limits.get(kind) ?? 0;
    if (count + 1 > max) this.#evict(db, kind, Math.min(evictedEntries, Math.ceil(max / 10)));
  }

  #evict(db: SqliteConnection, kind: string, number: number): void {
    const sql = `DELETE FROM entry WHERE kind = ? AND key IN
      (SELECT key FROM entry WHERE kind = ? ORDER BY expires LIMIT ?)`;
    const { changes } = this.#sql(db, sql).run(kind, kind, number);
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) - changes);
  }

  #sql(db: SqliteConnection, sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #try<Result>(use: (database: SqliteConnection) => Result): Result | undefined {
    return this.#isClosed ? undefined : this.#file.use(use);
  }
}

/** Entries of one kind; their values are JSON. */
export class KeptEntries<Value> {
  readonly #store: DefenceStore;
  readonly #kind: string;

  constructor(store: DefenceStore, kind: string) {
    this.#store = store;
    this.#kind = kind;
  }

  get(key: string): Value | undefined {
    const value = this.#store.read(this.#kind, key);
    return value === undefined ? undefined : (JSON.parse(value) as Value);
  }

  /** `expires` in milliseconds since 1970. */
  put(key: string, value: Value, expires: number): void {
    this.#store.write(this.#kind, key, { value: JSON.stringify(value), expires });
  }

  remove(key: string): void {
    this.#store.write(this.#kind, key, undefined);
  }

  entries(): { readonly key: string; readonly value: Value }[] {
    return this.#store.entries(this.#kind).map(({ key, value }) => ({ key, value: JSON.parse(value) as Value }));
  }

  get count(): number {
    return this.#store.count(this.#kind);
  }
}
