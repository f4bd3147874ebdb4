// `texthash:` and the text source of `hash:`: a file of rows, read when the table is opened, watched, and read
// again when it changes. A change is swapped in whole; while it is being read the former rows answer.
// A file that cannot be read is "could not find out" for every key, never "not found".
//
// Duplicate keys: postmap(1) keeps the first row of a `hash:` and warns; a `texthash:` with any duplicate cannot
// be used by Postfix's servers, every lookup is a temporary error, and so it is here.

import type { ProgramLog } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { FileWatch, fileStamp } from './file-watch.ts';
import { loadText } from './load-text.ts';
import { type Found, type LookupResult, notFound, type Table } from './table.ts';
import { TextIndex } from './text-index.ts';

export interface TextTableOptions {
  readonly type: 'texthash' | 'hash';
  /** Absolute. */
  readonly path: string;
  readonly isWatched: boolean;
  readonly log: ProgramLog;
  /** Called after new rows have been swapped in. */
  readonly onChange: () => void;
}

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

export class TextTable implements Table {
  readonly name: string;
  readonly kind = 'fixed';
  readonly #options: TextTableOptions;
  #index: TextIndex | undefined;
  #failure = '';
  #loading: Promise<void> | undefined;
  #watch: FileWatch | undefined;
  #isClosed = false;

  constructor(options: TextTableOptions) {
    this.#options = options;
    this.name = `${options.type}:${options.path}`;
    this.#loading = this.#load();
  }

  async lookup(key: string): Promise<LookupResult> {
    if (this.#index === undefined && this.#loading !== undefined) await this.#loading;
    const index = this.#index;
    if (index === undefined) throw new TemporaryError(`${this.name}: ${this.#failure}`);
    const row = index.find(key.toLowerCase());
    return row === -1 ? notFound : new FoundRow(index.value(row), this.#options.path, index.line(row));
  }

  /** Resolves when the rows are there, or the failure is known. */
  async ready(): Promise<void> {
    await this.#loading;
  }

  close(): void {
    this.#isClosed = true;
    this.#watch?.close();
  }

  async #load(): Promise<void> {
    const { path, type, isWatched, log, onChange } = this.#options;
    const stamp = await fileStamp(path);
    try {
      const data = await loadText(path, type === 'hash');
      for (const { line, text } of data.problems) log.warning(`${path}, line ${line}: ${text}`);
      for (const { line, text } of data.duplicates) log.warning(`${path}, line ${line}: ${text}`);
      const [duplicate] = data.duplicates;
      if (type === 'texthash' && duplicate !== undefined) {
        throw new Error(`${path}, line ${duplicate.line}: ${duplicate.text}: the table cannot be used`);
      }
      this.#index = new TextIndex(data);
      this.#failure = '';
    } catch (error) {
      this.#index = undefined;
      this.#failure = (error as Error).message;
      log.warning(`table ${this.name}: ${this.#failure}`);
    }
    this.#loading = undefined;
    if (this.#isClosed) return;
    onChange();
    if (isWatched) this.#watch ??= new FileWatch(path, stamp, () => this.#reload());
  }

  #reload(): void {
    // Two changes in a row are read one after the other: the later content wins.
    const before = this.#loading ?? Promise.resolve();
    this.#loading = before.then(() => this.#load());
  }
}
