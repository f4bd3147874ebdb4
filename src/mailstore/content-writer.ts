// The writing of one body: in memory up to the inline limit, beyond it block by block into a file of its own.
//
// The file is written past the page cache (O_DIRECT): nothing reads it again soon, and to fill pages and have
// fsync empty them took 3 ms of CPU for 1 MiB where this takes 0.2 (docs/decisions/0005-direct-content.md). The
// last block is filled up to a whole sector with zeros and the file then cut to its length. Where the file system
// does not take direct writes, the same blocks go through the page cache.

import { createHash, hash, type Hash } from 'node:crypto';
import path from 'node:path';
import { TemporaryError } from '../lib/temporary-error.ts';
import { type AlignedBlocks, blockBytes, sectorBytes } from './aligned-blocks.ts';
import type { ContentFile, ContentFiles } from './content-files.ts';
import { openContentReader } from './content-reader.ts';
import { type Content, type ContentReader, type ContentWriter, StoreFullError } from './types.ts';

function translate(error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StoreFullError('the disk is full');
  return new TemporaryError(`cannot write a message file: ${String(error)}`, { cause: error });
}

export class BodyWriter implements ContentWriter {
  readonly #files: ContentFiles;
  readonly #blocks: AlignedBlocks;
  readonly #inlineLimit: number;
  /** Of a body that is too large for a row; a smaller one is hashed at once at its end. */
  #hash: Hash | undefined;
  #chunks: Uint8Array[] = [];
  #size = 0;
  /** What is being filled, once the body is too large for a row. */
  #block: Buffer | undefined;
  #filled = 0;
  #full: Buffer[] = [];
  #file: ContentFile | undefined;
  #writing: Promise<void> | undefined;
  #error: Error | undefined;
  #isAborted = false;

  constructor(files: ContentFiles, blocks: AlignedBlocks, inlineLimit: number) {
    this.#files = files;
    this.#blocks = blocks;
    this.#inlineLimit = inlineLimit;
  }

  get size(): number {
    return this.#size;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#files.bytes.passed(chunk.length);
    this.#size += chunk.length;
    if (this.#isAborted) return undefined;
    if (this.#size <= this.#inlineLimit) {
      this.#chunks.push(chunk);
      return undefined;
    }
    for (const held of this.#chunks) this.#fill(held);
    this.#chunks = [];
    this.#fill(chunk);
    if (this.#full.length === 0) return undefined;
    const writing = this.#writeOut();
    // One block may wait behind the one that is being written; whoever brings more waits as well.
    return this.#full.length > 1 ? writing : undefined;
  }

  #fill(chunk: Uint8Array): void {
    this.#hash ??= createHash('sha256');
    this.#hash.update(chunk);
    let offset = 0;
    while (offset < chunk.length) {
      this.#block ??= this.#blocks.take();
      const length = Math.min(blockBytes - this.#filled, chunk.length - offset);
      this.#block.set(chunk.subarray(offset, offset + length), this.#filled);
      offset += length;
      this.#filled += length;
      if (this.#filled === blockBytes) {
        this.#full.push(this.#block);
        this.#block = undefined;
        this.#filled = 0;
      }
    }
  }

  #writeOut(): Promise<void> {
    this.#writing ??= this.#writeFull().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** Never rejects: the first error is kept for finish(). */
  async #writeFull(): Promise<void> {
    for (let block = this.#full[0]; block !== undefined; block = this.#full[0]) {
      try {
        if (this.#error === undefined && !this.#isAborted) {
          this.#file ??= await this.#files.create();
          await this.#file.write(block);
        }
      } catch (error) {
        this.#error = translate(error);
      }
      this.#full.shift();
      this.#blocks.give(block);
    }
  }

  async reread(): Promise<ContentReader> {
    let data: Buffer | null = null;
    if (this.#hash === undefined) data = Buffer.concat(this.#chunks);
    else {
      await this.#writeOut();
      await this.#writeLast();
      if (this.#error !== undefined) throw this.#error;
    }
    const row = {
      id: 0,
      size: this.#size,
      sha256: null,
      base: null,
      place: this.#file?.place ?? null,
      prefix: null,
      data,
    };
    return openContentReader(row, row, (place) => this.#files.absolute(place), this.#files.bytes);
  }

  async finish(): Promise<Content> {
    if (this.#hash === undefined) {
      const data = Buffer.concat(this.#chunks);
      return { kind: 'inline', data, sha256: hash('sha256', data, 'buffer'), size: this.#size };
    }
    const sha256 = this.#hash.digest();
    await this.#writeOut();
    await this.#writeLast();
    const file = this.#file;
    if (this.#error !== undefined || file === undefined) {
      await this.abort();
      throw this.#error ?? new TemporaryError('no message file');
    }
    // From here on the file is the store's: abort() must not remove what a row may name.
    this.#file = undefined;
    try {
      await file.sync();
      await file.close();
      await this.#files.syncDirectory(path.dirname(file.place));
    } catch (error) {
      await file.remove();
      throw translate(error);
    }
    return { kind: 'file', place: file.place, sha256, size: this.#size };
  }

  async #writeLast(): Promise<void> {
    const block = this.#block;
    this.#block = undefined;
    try {
      if (block !== undefined && this.#error === undefined && !this.#isAborted) {
        const end = Math.ceil(this.#filled / sectorBytes) * sectorBytes;
        block.fill(0, this.#filled, end);
        this.#file ??= await this.#files.create();
        await this.#file.write(block.subarray(0, end));
        if (end > this.#filled) await this.#file.truncate(this.#size);
      }
    } catch (error) {
      this.#error = translate(error);
    } finally {
      if (block !== undefined) this.#blocks.give(block);
    }
  }

  async abort(): Promise<void> {
    this.#isAborted = true;
    this.#chunks = [];
    if (this.#block !== undefined) this.#blocks.give(this.#block);
    this.#block = undefined;
    this.#filled = 0;
    while (this.#writing !== undefined) await this.#writing;
    const file = this.#file;
    this.#file = undefined;
    await file?.remove();
  }
}
