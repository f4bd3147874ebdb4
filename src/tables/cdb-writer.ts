// Writes a constant database (cdb) as postmap(1) does, readable by Postfix: 256 pairs of position and size, then the
// records, then 256 hash tables, all numbers 32 bits and little-endian (https://cr.yp.to/cdb/cdb.txt).
//
// Crash behaviour: the file is written beside the old one under a name of its own, flushed to disk and renamed, so a
// reader sees the old index or the new one.

import { open, rename, rm } from 'node:fs/promises';

export interface CdbOptions {
  readonly mode: number;
  /** Whose the file shall be; only root may ask for somebody else. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

const headerBytes = 2048;
const tables = 256;
/** Positions are 32 bits wide. */
const maxBytes = 0xffff_ffff;

const pieceBytes = 1 << 20;

/** Gathers records; the file is made by `finish`. */
export class CdbWriter {
  /** Full pieces of the records, and the one that is being filled. */
  readonly #pieces: Buffer[] = [];
  #piece = Buffer.allocUnsafe(pieceBytes);
  #filled = 0;
  /** Hash and position of each record, one after the other, for each of the tables. */
  readonly #slots: number[][] = Array.from({ length: tables }, () => []);
  #position = headerBytes;

  add(key: Buffer, value: Buffer): void {
    const size = 8 + key.length + value.length;
    if (this.#position + size > maxBytes) throw new RangeError('a cdb file holds at most 4 GiB');
    if (this.#filled + size > this.#piece.length) this.#nextPiece(size);
    let at = this.#piece.writeUInt32LE(key.length, this.#filled);
    at = this.#piece.writeUInt32LE(value.length, at);
    at += key.copy(this.#piece, at);
    this.#filled = at + value.copy(this.#piece, at);
    const hash = hashOf(key);
    this.#slots[hash & 0xff]?.push(hash, this.#position);
    this.#position += size;
  }

  #nextPiece(size: number): void {
    this.#pieces.push(this.#piece.subarray(0, this.#filled));
    this.#piece = Buffer.allocUnsafe(Math.max(pieceBytes, size));
    this.#filled = 0;
  }

  async finish(file: string, { mode, owner }: CdbOptions): Promise<void> {
    this.#nextPiece(0);
    const header = Buffer.alloc(headerBytes);
    const indexes: Buffer[] = [];
    let position = this.#position;
    for (const [at, slots] of this.#slots.entries()) {
      // Twice as many cells as records: slots holds two numbers for each.
      header.writeUInt32LE(position, at * 8);
      header.writeUInt32LE(slots.length, at * 8 + 4);
      indexes.push(hashTable(slots));
      position += slots.length * 8;
    }
    if (position > maxBytes) throw new RangeError('a cdb file holds at most 4 GiB');
    await replaceFile(file, [header, ...this.#pieces, ...indexes], mode, owner);
  }
}

/** Linear probing, from the place that the upper bits of the hash name. */
function hashTable(slots: readonly number[]): Buffer {
  const size = slots.length;
  const table = Buffer.alloc(size * 8);
  for (let record = 0; record < size; record += 2) {
    const hash = slots[record] as number;
    let at = (hash >>> 8) % size;
    while (table.readUInt32LE(at * 8 + 4) !== 0) at = (at + 1) % size;
    table.writeUInt32LE(hash, at * 8);
    table.writeUInt32LE(slots[record + 1] as number, at * 8 + 4);
  }
  return table;
}

function hashOf(key: Uint8Array): number {
  let hash = 5381;
  for (const byte of key) hash = (((hash << 5) + hash) ^ byte) >>> 0;
  return hash;
}

async function replaceFile(
  file: string,
  parts: readonly Buffer[],
  mode: number,
  owner: CdbOptions['owner'],
): Promise<void> {
  const temporary = `${file}.tmp`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, 'wx', mode);
  try {
    for (const part of parts) await handle.writeFile(part);
    if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
