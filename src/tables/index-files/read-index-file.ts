// The index that postmap(1) has written beside a table's text: read where the text is missing, as on a machine that
// gets only the index. The file is read whole and its pages are walked in memory, so that an answer never waits for
// the disk and never sees half of a change.

import { readFile, stat } from 'node:fs/promises';
import { BerkeleyBtreeReader } from './berkeley-btree-reader.ts';
import { BerkeleyHashReader } from './berkeley-hash-reader.ts';
import { CdbReader } from './cdb-reader.ts';
import type { IndexReader } from './index-bytes.ts';
import { indexPath, type IndexType } from './index-path.ts';
import { LmdbReader } from './lmdb-reader.ts';

const readers: Readonly<Record<IndexType, (file: Buffer) => IndexReader>> = {
  hash: (file) => new BerkeleyHashReader(file),
  btree: (file) => new BerkeleyBtreeReader(file),
  lmdb: (file) => new LmdbReader(file),
  cdb: (file) => new CdbReader(file),
};

// An index of ten million aliases; what is larger should be a database.
const maxBytes = 1 << 30;
const attempts = 5;

/** Throws what the file system throws, or CorruptIndexError. */
export async function readIndexFile(type: IndexType, path: string): Promise<IndexFile> {
  const file = indexPath(type, path);
  return new IndexFile(readers[type](await readUnchanged(file)));
}

/** The content between two changes: postmap rewrites hash and btree files in place. */
async function readUnchanged(path: string): Promise<Buffer> {
  for (let attempt = 1; ; attempt++) {
    const before = await stat(path, { bigint: true });
    if (before.size > maxBytes) throw new Error(`${path} is larger than ${maxBytes} bytes`);
    const bytes = await readFile(path);
    const after = await stat(path, { bigint: true });
    const isSame = before.mtimeNs === after.mtimeNs && before.ino === after.ino && before.size === after.size;
    if (isSame && BigInt(bytes.length) === after.size) return bytes;
    if (attempt === attempts) throw new Error(`${path} keeps changing while it is read`);
  }
}

export class IndexFile {
  readonly #reader: IndexReader;

  constructor(reader: IndexReader) {
    this.#reader = reader;
  }

  /** Writers differ in whether the NUL that ends a C string belongs to key and value; both are tried (dict_open(3)). */
  find(foldedKey: string): string | undefined {
    if (foldedKey.includes('\0')) return undefined;
    const value = this.#reader.find(Buffer.from(`${foldedKey}\0`)) ?? this.#reader.find(Buffer.from(foldedKey));
    return value === undefined ? undefined : cString(value);
  }

  *entries(): Generator<{ readonly key: string; readonly value: string }> {
    for (const [key, value] of this.#reader.entries()) yield { key: cString(key), value: cString(value) };
  }
}

/** Up to the first NUL, as a C program reads it. */
function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
}
