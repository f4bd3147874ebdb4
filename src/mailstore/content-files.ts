// Large bodies: one file each below content/YYYYMMDD/, written while they arrive. A file is durable when
// both its bytes and its directory entry are synced; syncs of one directory that are asked for while one is
// running are served together by the next.

import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { type Content, type ContentWriter, StoreFullError } from './types.ts';

/** Buffered before a write to the file: fewer, larger system calls. */
const flushBytes = 256 * 1024;

export class ContentFiles {
  readonly #folder: string;
  readonly #inlineLimit: number;
  readonly #clock: Clock;
  readonly #syncs = new Map<string, { running: Promise<void>; next: Promise<void> | undefined }>();
  readonly #known = new Set<string>();
  #sequence = 0;
  readonly #run = randomBytes(6).toString('hex');

  /** `folder` is the data folder; bodies up to `inlineLimit` octets stay in memory. */
  constructor(folder: string, inlineLimit: number, clock: Clock) {
    this.#clock = clock;
    this.#folder = folder;
    this.#inlineLimit = inlineLimit;
  }

  writer(): ContentWriter {
    return new Writer(this, this.#inlineLimit);
  }

  absolute(place: string): string {
    return path.join(this.#folder, place);
  }

  /**
   * Deletes files that no row names: left by a crash between a file and its row. Only the two newest days
   * are looked at (a start follows every crash), never files of this run.
   */
  async removeOrphans(isKnown: (place: string) => boolean): Promise<number> {
    const days = await fs.readdir(this.absolute('content')).catch(() => [] as string[]);
    let removed = 0;
    for (const day of days.sort().slice(-2)) {
      for (const name of await fs.readdir(this.absolute(path.join('content', day)))) {
        const place = path.join('content', day, name);
        if (name.startsWith(this.#run) || isKnown(place)) continue;
        await fs.rm(this.absolute(place), { force: true });
        removed++;
      }
    }
    return removed;
  }

  /** Removes a file that no row names. */
  async remove(place: string): Promise<void> {
    await fs.rm(this.absolute(place), { force: true });
  }

  async create(): Promise<{ place: string; handle: fs.FileHandle }> {
    const day = new Date(this.#clock.now()).toISOString().slice(0, 10).replaceAll('-', '');
    const directory = path.join('content', day);
    await this.#ensureDirectory(directory);
    const place = path.join(directory, `${this.#run}-${(this.#sequence++).toString(36)}`);
    return { place, handle: await fs.open(this.absolute(place), 'wx', 0o600) };
  }

  async #ensureDirectory(directory: string): Promise<void> {
    if (this.#known.has(directory)) return;
    await fs.mkdir(this.absolute(directory), { recursive: true, mode: 0o700 });
    await this.syncDirectory(path.dirname(directory));
    await this.syncDirectory('.');
    this.#known.clear();
    this.#known.add(directory);
  }

  /** Makes the entries of a directory durable that exist when it is called. */
  syncDirectory(directory: string): Promise<void> {
    const known = this.#syncs.get(directory);
    if (!known) {
      const running = this.#sync(directory);
      const entry = { running, next: undefined };
      this.#syncs.set(directory, entry);
      void running.then(
        () => this.#finished(directory),
        () => this.#finished(directory),
      );
      return running;
    }
    // The running one may have begun before our entry existed: the next one covers it.
    known.next ??= known.running.then(
      () => this.syncDirectory(directory),
      () => this.syncDirectory(directory),
    );
    return known.next;
  }

  #finished(directory: string): void {
    this.#syncs.delete(directory);
  }

  async #sync(directory: string): Promise<void> {
    const handle = await fs.open(this.absolute(directory), 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function translate(error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StoreFullError('the disk is full');
  return new TemporaryError(`cannot write a message file: ${String(error)}`, { cause: error });
}

/** A write may be cut short (a full disk): the rest is written again, and then fails in words. */
async function writeAll(handle: fs.FileHandle, chunks: Uint8Array[]): Promise<void> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let { bytesWritten } = await handle.writev(chunks);
  if (bytesWritten === total) return;
  const rest = Buffer.concat(chunks);
  while (bytesWritten < total) bytesWritten += (await handle.write(rest, bytesWritten)).bytesWritten;
}

class Writer implements ContentWriter {
  readonly #files: ContentFiles;
  readonly #inlineLimit: number;
  readonly #hash = createHash('sha256');
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #size = 0;
  #file: { place: string; handle: fs.FileHandle } | undefined;
  #writing: Promise<void> | undefined;
  #error: Error | undefined;
  #aborted = false;

  constructor(files: ContentFiles, inlineLimit: number) {
    this.#files = files;
    this.#inlineLimit = inlineLimit;
  }

  get size(): number {
    return this.#size;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#hash.update(chunk);
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    this.#size += chunk.length;
    if (this.#size <= this.#inlineLimit || this.#buffered < flushBytes) return undefined;
    // One write at a time; whoever brings more than the next buffer full waits for it.
    if (this.#writing) return this.#writing.then(() => this.#flush());
    void this.#flush();
    return undefined;
  }

  #flush(): Promise<void> {
    this.#writing ??= this.#writeBuffered().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** Never rejects: the first error is kept for finish(). */
  async #writeBuffered(): Promise<void> {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#buffered = 0;
    if (this.#error || this.#aborted || chunks.length === 0) return;
    try {
      this.#file ??= await this.#files.create();
      await writeAll(this.#file.handle, chunks);
    } catch (error) {
      this.#error = translate(error);
    }
  }

  async finish(): Promise<Content> {
    const sha256 = this.#hash.digest();
    if (this.#size <= this.#inlineLimit) {
      return { kind: 'inline', data: Buffer.concat(this.#chunks), sha256, size: this.#size };
    }
    while (this.#writing) await this.#writing;
    await this.#flush();
    const file = this.#file;
    if (this.#error || !file) {
      await this.abort();
      throw this.#error ?? new TemporaryError('no message file');
    }
    try {
      await file.handle.sync();
      await file.handle.close();
      await this.#files.syncDirectory(path.dirname(file.place));
    } catch (error) {
      await fs.rm(this.#files.absolute(file.place), { force: true }).catch(() => {});
      throw translate(error);
    }
    // From here on the file is the store's: abort() must not remove what a row may name.
    this.#file = undefined;
    return { kind: 'file', place: file.place, sha256, size: this.#size };
  }

  async abort(): Promise<void> {
    this.#aborted = true;
    this.#chunks = [];
    while (this.#writing) await this.#writing;
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    await file.handle.close().catch(() => {});
    await fs.rm(this.#files.absolute(file.place), { force: true }).catch(() => {});
  }
}
