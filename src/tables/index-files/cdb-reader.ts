// Reads a cdb file (https://cr.yp.to/cdb/cdb.txt), as tinycdb's and Postfix's `cdb:` write it: 256 pointers to hash
// tables, the records, the hash tables; all numbers 32 bits, little-endian.

import { CorruptIndexError, IndexBytes, type IndexReader } from './index-bytes.ts';

const pointersBytes = 2048;

export class CdbReader implements IndexReader {
  readonly #bytes: IndexBytes;
  readonly #recordsEnd: number;

  constructor(bytes: Buffer) {
    this.#bytes = new IndexBytes(bytes);
    if (bytes.length < pointersBytes) throw new CorruptIndexError('too short for a cdb file');
    this.#recordsEnd = this.#bytes.uint32(0);
    this.#checkTables();
  }

  find(key: Uint8Array): Buffer | undefined {
    const bytes = this.#bytes;
    const hash = hashOf(key);
    const pointer = (hash & 0xff) * 8;
    const table = bytes.uint32(pointer);
    const cells = bytes.uint32(pointer + 4);
    if (cells === 0) return undefined;
    let cell = (hash >>> 8) % cells;
    for (let looked = 0; looked < cells; looked++) {
      const at = table + cell * 8;
      const record = bytes.uint32(at + 4);
      if (record === 0) return undefined;
      if (bytes.uint32(at) === hash) {
        const keyLength = bytes.uint32(record);
        if (keyLength === key.length && bytes.slice(record + 8, keyLength).equals(key)) {
          return bytes.slice(record + 8 + keyLength, bytes.uint32(record + 4));
        }
      }
      cell = (cell + 1) % cells;
    }
    return undefined;
  }

  *entries(): Generator<readonly [Buffer, Buffer]> {
    const bytes = this.#bytes;
    for (let at = pointersBytes; at < this.#recordsEnd; ) {
      const keyLength = bytes.uint32(at);
      const valueLength = bytes.uint32(at + 4);
      yield [bytes.slice(at + 8, keyLength), bytes.slice(at + 8 + keyLength, valueLength)];
      at += 8 + keyLength + valueLength;
    }
  }

  /** The format has no mark of its own; but the tables stand one behind the other, and the last ends the file. */
  #checkTables(): void {
    let end = this.#recordsEnd;
    for (let pointer = 0; pointer < pointersBytes; pointer += 8) {
      const isNext = this.#bytes.uint32(pointer) === end && end >= pointersBytes;
      end += this.#bytes.uint32(pointer + 4) * 8;
      if (!isNext) throw new CorruptIndexError('no cdb file');
    }
    if (end !== this.#bytes.length) throw new CorruptIndexError('no cdb file, or one that was cut short');
  }
}

function hashOf(key: Uint8Array): number {
  let hash = 5381;
  for (const byte of key) hash = (Math.imul(hash, 33) ^ byte) >>> 0;
  return hash;
}
