// Reads the bytes of one content row: trace headers of the copy, then the body from the row or its file.
// The body's SHA-256 is checked whenever it is read whole from its start; a difference is never handed out.

import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs/promises';
import type { PassingBytes } from '../lib/passing-bytes.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { ContentReader } from './types.ts';

export interface ContentColumns {
  readonly id: number;
  readonly size: number;
  readonly sha256: Buffer | null;
  readonly base: number | null;
  readonly place: string | null;
  readonly prefix: Buffer | null;
  readonly data: Buffer | null;
}

const maxReadBytes = 1024 * 1024;

/** `own` is the content's row, `body` the row that holds its bytes (the same one, or its base). */
export function openContentReader(
  own: ContentColumns,
  body: ContentColumns,
  absolute: (place: string) => string,
  bytes: PassingBytes,
): ContentReader {
  const prefix = own.prefix ?? Buffer.alloc(0);
  if (body.data !== null) return new InlineReader(prefix, body.data, body.sha256);
  if (body.place === null) throw new TemporaryError(`content ${body.id} has neither bytes nor a file`);
  return new FileReader(prefix, absolute(body.place), own.size, body.sha256, bytes);
}

class InlineReader implements ContentReader {
  readonly size: number;
  readonly #bytes: Buffer;

  constructor(prefix: Buffer, data: Buffer, sha256: Buffer | null) {
    if (sha256 && !createHash('sha256').update(data).digest().equals(sha256)) {
      throw new TemporaryError('a stored message is damaged: its checksum is wrong');
    }
    this.#bytes = prefix.length === 0 ? data : Buffer.concat([prefix, data]);
    this.size = this.#bytes.length;
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    return this.#bytes.subarray(from, to);
  }

  async readAll(): Promise<Uint8Array> {
    return this.#bytes;
  }

  async close(): Promise<void> {}
}

class FileReader implements ContentReader {
  readonly size: number;
  readonly #prefix: Buffer;
  readonly #file: string;
  readonly #sha256: Buffer | null;
  readonly #bytes: PassingBytes;
  #handle: Promise<fs.FileHandle> | undefined;
  #hash: Hash | undefined = createHash('sha256');
  /** Body octets that are in the hash so far; reading elsewhere gives up the check. */
  #hashed = 0;

  constructor(prefix: Buffer, file: string, size: number, sha256: Buffer | null, bytes: PassingBytes) {
    this.#bytes = bytes;
    this.#prefix = prefix;
    this.#file = file;
    this.size = size;
    this.#sha256 = sha256;
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    const end = Math.min(to, this.size, from + maxReadBytes);
    if (end <= from) return Buffer.alloc(0);
    const split = this.#prefix.length;
    const head = from < split ? this.#prefix.subarray(from, Math.min(end, split)) : undefined;
    if (end <= split) return head as Buffer;
    const body = await this.#readBody(Math.max(from, split) - split, end - split);
    return head ? Buffer.concat([head, body]) : body;
  }

  async #readBody(from: number, to: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(to - from);
    this.#bytes.passed(buffer.length);
    try {
      this.#handle ??= fs.open(this.#file, 'r');
      const handle = await this.#handle;
      let done = 0;
      while (done < buffer.length) {
        const { bytesRead } = await handle.read(buffer, done, buffer.length - done, from + done);
        if (bytesRead === 0) throw new Error('the file is shorter than its row says');
        done += bytesRead;
      }
    } catch (error) {
      throw new TemporaryError(`cannot read a stored message: ${String(error)}`, { cause: error });
    }
    this.#check(from, buffer);
    return buffer;
  }

  #check(from: number, bytes: Buffer): void {
    if (!this.#hash || !this.#sha256) return;
    if (from !== this.#hashed) {
      this.#hash = undefined;
      return;
    }
    this.#hash.update(bytes);
    this.#hashed += bytes.length;
    if (this.#hashed < this.size - this.#prefix.length) return;
    const digest = this.#hash.digest();
    this.#hash = undefined;
    if (!digest.equals(this.#sha256)) throw new TemporaryError('a stored message is damaged: its checksum is wrong');
  }

  async readAll(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for (let from = 0; from < this.size; from += maxReadBytes) pieces.push(await this.read(from, this.size));
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle) await handle.then((open) => open.close()).catch(() => {});
  }
}
