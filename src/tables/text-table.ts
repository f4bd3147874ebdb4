// Tables of rows in a file. `texthash:` is a text; `hash: btree: dbm: lmdb: cdb:` are a text and the index that
// postmap(1) makes of it. We read the text, so that nobody runs postmap again after an edit; the index is read only
// where the text is missing or may not be read. What is read is watched, and read again when it changes. A change is
// swapped in whole; while it is being read the former rows answer.
// A file that cannot be read is "could not find out" for every key, never "not found".
//
// Duplicate keys: postmap(1) keeps the first row of an indexed file and warns; a `texthash:` with any duplicate
// cannot be used by Postfix's servers, every lookup is a temporary error, and so it is here.

import { foldKey } from '../address/form.ts';
import { stat } from 'node:fs/promises';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { FileWatch, fileStamp } from './file-watch.ts';
import { indexPath, type IndexType } from './index-files/index-path.ts';
import type { IndexFile } from './index-files/read-index-file.ts';
import { loadText } from './load-text.ts';
import { type Found, type LookupResult, notFound, type Table, type TableRow } from './table.ts';
import { TextIndex } from './text-index.ts';

/** `dbm:` has an index too (ndbm's two files), which only its text is read instead of. */
export type TextTableType = 'texthash' | 'dbm' | IndexType;

export interface TextTableOptions {
  readonly type: TextTableType;
  /** Absolute. */
  readonly path: string;
  readonly isWatched: boolean;
  readonly log: ProgramLog;
  readonly clock?: Clock;
  /** Called after new rows have been swapped in. */
  readonly onChange: () => void;
}

/** What the last reading gave. */
type Rows =
  | { readonly from: 'text'; readonly index: TextIndex }
  | { readonly from: 'index'; readonly file: IndexFile }
  | { readonly from: 'nothing'; readonly failure: string };

/** A row; where it stands is put into words only for those who ask. */
class FoundRow implements Found {
  readonly kind = 'found';
  readonly value: string;
  readonly #path: string;
  readonly #line: number;

  constructor(value: string, path: string, line: number) {
    this.value = value;
    this.#path = path;
    this.#line = line;
  }

  get source(): string {
    return `${this.#path}:${this.#line}`;
  }
}

// Postfix's grace for a source file that has just been edited (dict_db.c, dict_cdb.c).
const staleGraceMilliseconds = 100_000;

export class TextTable implements Table {
  readonly name: string;
  readonly kind = 'fixed';
  readonly #options: TextTableOptions;
  readonly #indexType: IndexType | undefined;
  readonly #watches = new Map<string, FileWatch>();
  #rows: Rows | undefined;
  #loading: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: TextTableOptions) {
    const { type, path } = options;
    this.#options = options;
    this.#indexType = type === 'texthash' || type === 'dbm' ? undefined : type;
    this.name = `${type}:${path}`;
    this.#loading = this.#load();
  }

  lookup(key: string): Promise<LookupResult> {
    const rows = this.#rows;
    // Asked several times for every recipient: rows that are there are not waited for.
    if (rows?.from !== 'text') return this.#lookUp(key);
    const row = rows.index.find(foldKey(key));
    if (row === -1) return Promise.resolve(notFound);
    return Promise.resolve(new FoundRow(rows.index.value(row), this.#options.path, rows.index.line(row)));
  }

  async #lookUp(key: string): Promise<LookupResult> {
    const rows = await this.#usable();
    if (rows.from === 'text') return await this.lookup(key);
    const value = this.#guard(() => rows.file.find(foldKey(key)));
    return value === undefined ? notFound : { kind: 'found', value, source: this.#indexPath() };
  }

  async *entries(): AsyncGenerator<TableRow> {
    const rows = await this.#usable();
    if (rows.from === 'text') {
      yield* rows.index.entries();
      return;
    }
    const rest = rows.file.entries();
    for (let next = this.#guard(() => rest.next()); next.done !== true; next = this.#guard(() => rest.next())) {
      yield next.value;
    }
  }

  /** Resolves when the rows are there, or the failure is known. */
  async ready(): Promise<void> {
    await this.#loading;
  }

  close(): void {
    this.#isClosed = true;
    for (const watch of this.#watches.values()) watch.close();
  }

  async #usable(): Promise<Exclude<Rows, { readonly from: 'nothing' }>> {
    if (this.#rows === undefined) await this.#loading;
    const rows = this.#rows;
    if (rows === undefined || rows.from === 'nothing') {
      throw new TemporaryError(`${this.name}: ${rows?.failure ?? 'not read'}`);
    }
    return rows;
  }

  /** What is wrong with an index file may show only when its pages are read. */
  #guard<Result>(read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      throw new TemporaryError(`${this.name}: ${this.#indexPath()}: ${(error as Error).message}`);
    }
  }

  #indexPath(): string {
    const { path } = this.#options;
    return this.#indexType === undefined ? path : indexPath(this.#indexType, path);
  }

  async #load(): Promise<void> {
    const { path, isWatched, log, onChange } = this.#options;
    const stamp = await fileStamp(path);
    const indexStamp = await fileStamp(this.#indexPath());
    const former = this.#rows;
    this.#rows = await this.#read().catch((error: unknown) => {
      const failure = (error as Error).message;
      log.warning(`table ${this.name}: ${failure}`);
      return { from: 'nothing', failure } as const;
    });
    // In the same turn: nobody sees the new rows under the old revision.
    if (!this.#isClosed) onChange();
    if (this.#rows.from === 'text') await this.#warnOfStaleIndex();
    // Not before the lookups that hold it have read their row.
    if (former?.from === 'text') setImmediate(() => former.index.release());
    this.#loading = undefined;
    if (this.#isClosed || !isWatched) return;
    this.#watch(path, stamp);
    if (this.#indexType !== undefined && this.#rows.from !== 'text') this.#watch(this.#indexPath(), indexStamp);
  }

  async #read(): Promise<Rows> {
    try {
      return { from: 'text', index: await this.#readText() };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (this.#indexType === undefined || (code !== 'ENOENT' && code !== 'EACCES')) throw error;
      // Loaded where a text is missing: few have none.
      const { readIndexFile } = await import('./index-files/read-index-file.ts');
      const file = await readIndexFile(this.#indexType, this.#options.path).catch((failure: NodeJS.ErrnoException) => {
        // Neither is there: the text is what people look for.
        throw failure.code === 'ENOENT' ? error : new Error(`${this.#indexPath()}: ${failure.message}`);
      });
      return { from: 'index', file };
    }
  }

  async #readText(): Promise<TextIndex> {
    const { path, type, log } = this.#options;
    const data = await loadText(path, type !== 'texthash');
    for (const { line, text } of data.problems) log.warning(`${path}, line ${line}: ${text}`);
    for (const { line, text } of data.duplicates) log.warning(`${path}, line ${line}: ${text}`);
    const [duplicate] = data.duplicates;
    if (type === 'texthash' && duplicate !== undefined) {
      throw new Error(`${path}, line ${duplicate.line}: ${duplicate.text}: the table cannot be used`);
    }
    return new TextIndex(data);
  }

  /** Postfix would answer from the index still: people should hear that ours is another answer. */
  async #warnOfStaleIndex(): Promise<void> {
    const { path, log, clock = systemClock } = this.#options;
    if (this.#indexType === undefined) return;
    const stamps = [path, this.#indexPath()].map((file) => stat(file).catch(() => undefined));
    const [source, index] = await Promise.all(stamps);
    if (source === undefined || index === undefined) return;
    const isNewer = Math.floor(source.mtimeMs / 1000) > Math.floor(index.mtimeMs / 1000);
    if (isNewer && source.mtimeMs < clock.now() - staleGraceMilliseconds) {
      log.warning(`database ${this.#indexPath()} is older than source file ${path}; the source file is used`);
    }
  }

  #watch(path: string, stamp: string): void {
    if (!this.#watches.has(path)) this.#watches.set(path, new FileWatch(path, stamp, () => this.#reload()));
  }

  #reload(): void {
    // Two changes in a row are read one after the other: the later content wins.
    const before = this.#loading ?? Promise.resolve();
    this.#loading = before.then(() => this.#load());
  }
}
