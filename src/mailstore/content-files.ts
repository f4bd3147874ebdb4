// Large bodies: one file each below content/YYYYMMDD/, written while they arrive. A file is durable when
// both its bytes and its directory entry are synced; syncs of one directory that are asked for while one is
// running are served together by the next.

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../lib/clock.ts';
import type { PassingBytes } from '../lib/passing-bytes.ts';
import { AlignedBlocks } from './aligned-blocks.ts';
import { BodyWriter } from './content-writer.ts';
import type { ContentWriter } from './types.ts';

// Plain descriptors: a FileHandle costs more than the system call it stands for.
const open = promisify(fs.open);
const close = promisify(fs.close);
const write = promisify(fs.write);
const fsync = promisify(fs.fsync);
const ftruncate = promisify(fs.ftruncate);

const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = fs.constants;
/** Linux has it; 0 elsewhere. */
const directFlag = (fs.constants as { O_DIRECT?: number }).O_DIRECT ?? 0;

export class ContentFiles {
  readonly #folder: string;
  readonly #inlineLimit: number;
  readonly #clock: Clock;
  readonly #syncs = new Map<string, { running: Promise<void>; next: Promise<void> | undefined }>();
  /** Today's folder below content/, and the descriptor that its syncs use. */
  #day: { readonly directory: string; readonly descriptor: Promise<number> } | undefined;
  readonly #blocks = new AlignedBlocks();
  #direct = directFlag;
  #sequence = 0;
  readonly #run = randomBytes(6).toString('hex');

  /** Told of every body that passes. */
  readonly bytes: PassingBytes;

  /** `folder` is the data folder; bodies up to `inlineLimit` octets stay in memory. */
  constructor(folder: string, inlineLimit: number, clock: Clock, bytes: PassingBytes) {
    this.bytes = bytes;
    this.#clock = clock;
    this.#folder = folder;
    this.#inlineLimit = inlineLimit;
  }

  writer(): ContentWriter {
    return new BodyWriter(this, this.#blocks, this.#inlineLimit);
  }

  absolute(place: string): string {
    return path.join(this.#folder, place);
  }

  /**
   * Deletes files that no row names: left by a crash between a file and its row. Only the two newest days
   * are looked at (a start follows every crash), never files of this run.
   */
  async removeOrphans(isKnown: (place: string) => boolean): Promise<number> {
    const days = await readdir(this.absolute('content')).catch(() => [] as string[]);
    let removed = 0;
    for (const day of days.sort().slice(-2)) {
      for (const name of await readdir(this.absolute(path.join('content', day)))) {
        const place = path.join('content', day, name);
        if (name.startsWith(this.#run) || isKnown(place)) continue;
        await rm(this.absolute(place), { force: true });
        removed++;
      }
    }
    return removed;
  }

  /** Removes a file that no row names. */
  async remove(place: string): Promise<void> {
    await rm(this.absolute(place), { force: true });
  }

  async create(): Promise<ContentFile> {
    const day = new Date(this.#clock.now()).toISOString().slice(0, 10).replaceAll('-', '');
    const directory = path.join('content', day);
    await this.#openDay(directory);
    const place = path.join(directory, `${this.#run}-${(this.#sequence++).toString(36)}`);
    const absolute = this.absolute(place);
    return new ContentFile(place, absolute, await this.#openNew(absolute), () => {
      this.#direct = 0;
    });
  }

  async #openNew(absolute: string): Promise<number> {
    const flags = O_WRONLY | O_CREAT | O_EXCL;
    if (this.#direct === 0) return open(absolute, flags, 0o600);
    try {
      return await open(absolute, flags | this.#direct, 0o600);
    } catch (error) {
      if (!isRefusedDirect(error)) throw error;
      // The file system does not do direct writes. open(2) may have made the file before it noticed.
      this.#direct = 0;
      await rm(absolute, { force: true });
      return open(absolute, flags, 0o600);
    }
  }

  /** Makes the day's folder, durably, when it is the first file of the day. */
  async #openDay(directory: string): Promise<void> {
    if (this.#day?.directory !== directory) {
      void this.#closeDay();
      this.#day = { directory, descriptor: this.#makeDay(directory) };
      this.#day.descriptor.catch(() => {
        this.#day = undefined;
      });
    }
    await this.#day.descriptor;
  }

  async #makeDay(directory: string): Promise<number> {
    await mkdir(this.absolute(directory), { recursive: true, mode: 0o700 });
    await this.syncDirectory(path.dirname(directory));
    await this.syncDirectory('.');
    return open(this.absolute(directory), O_RDONLY);
  }

  async #closeDay(): Promise<void> {
    const day = this.#day;
    this.#day = undefined;
    if (day === undefined) return;
    try {
      const descriptor = await day.descriptor;
      // A sync that runs with this descriptor must be over before its number may mean another file.
      await this.#syncs.get(day.directory)?.running.catch(() => undefined);
      await close(descriptor);
    } catch {
      // It was never open.
    }
  }

  /** To be called when nothing is being written any more. */
  close(): Promise<void> {
    return this.#closeDay();
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
    if (this.#day?.directory === directory) return fsync(await this.#day.descriptor);
    const descriptor = await open(this.absolute(directory), O_RDONLY);
    try {
      await fsync(descriptor);
    } finally {
      await close(descriptor);
    }
  }
}

/** One file that is being written, from its beginning to its end. */
export class ContentFile {
  readonly place: string;
  readonly #absolute: string;
  readonly #onIndirect: () => void;
  #descriptor: number;
  #isOpen = true;
  #isIndirect = false;
  #position = 0;

  constructor(place: string, absolute: string, descriptor: number, onIndirect: () => void) {
    this.place = place;
    this.#absolute = absolute;
    this.#descriptor = descriptor;
    this.#onIndirect = onIndirect;
  }

  /** A write may be cut short (a full disk): the rest is written again, and then fails in words. */
  async write(data: Buffer): Promise<void> {
    let written = 0;
    while (written < data.length) {
      try {
        const result = await write(this.#descriptor, data, written, data.length - written, this.#position);
        written += result.bytesWritten;
        this.#position += result.bytesWritten;
      } catch (error) {
        if (!isRefusedDirect(error) || !(await this.#reopen())) throw error;
      }
    }
  }

  /** Goes on through the page cache where the disk wants another alignment than ours. */
  async #reopen(): Promise<boolean> {
    if (this.#isIndirect) return false;
    this.#isIndirect = true;
    this.#onIndirect();
    await close(this.#descriptor);
    this.#isOpen = false;
    this.#descriptor = await open(this.#absolute, O_WRONLY);
    this.#isOpen = true;
    return true;
  }

  truncate(size: number): Promise<void> {
    return ftruncate(this.#descriptor, size);
  }

  sync(): Promise<void> {
    return fsync(this.#descriptor);
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // Nothing is left to write: not worth a turn through the thread pool.
    fs.closeSync(this.#descriptor);
  }

  /** Gives the file up. */
  async remove(): Promise<void> {
    await this.close().catch(() => undefined);
    await rm(this.#absolute, { force: true }).catch(() => undefined);
  }
}

function isRefusedDirect(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EINVAL';
}
