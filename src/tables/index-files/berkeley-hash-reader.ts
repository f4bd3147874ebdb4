// Reads a Berkeley DB hash file (versions 8 to 10: Berkeley DB 4 to 18), as Postfix's `hash:` writes it. A key's hash
// names a bucket, the bucket a page (by the `spares` of the meta page, which say where each doubling of the table
// begins), and the page a chain of pages, each with keys and values in turn.

import { BerkeleyPages, type BerkeleyPage, pageTypes } from './berkeley-pages.ts';
import { CorruptIndexError, type IndexReader } from './index-bytes.ts';

const itemTypes = { keyData: 1, offPage: 3 };
const sparesOffset = 96;
const maxDoublings = 32;
/** What a meta page keeps the hash of, so that a reader sees whether it hashes as the writer did. */
const charKey = Buffer.from('%$sniglet^&\0');

export class BerkeleyHashReader implements IndexReader {
  readonly #pages: BerkeleyPages;
  readonly #maxBucket: number;
  readonly #highMask: number;
  readonly #lowMask: number;

  constructor(file: Buffer) {
    this.#pages = new BerkeleyPages(file, 'hash');
    const { bytes } = this.#pages;
    this.#maxBucket = bytes.uint32(72);
    this.#highMask = bytes.uint32(76);
    this.#lowMask = bytes.uint32(80);
    if (bytes.uint32(92) !== hashOf(charKey)) throw new CorruptIndexError('written with another hash function');
  }

  find(key: Uint8Array): Buffer | undefined {
    let bucket = (hashOf(key) & this.#highMask) >>> 0;
    if (bucket > this.#maxBucket) bucket = (bucket & this.#lowMask) >>> 0;
    for (const page of this.#chain(bucket)) {
      for (let entry = 0; entry + 1 < page.entries; entry += 2) {
        if (this.#item(page, entry).equals(key)) return this.#item(page, entry + 1);
      }
    }
    return undefined;
  }

  *entries(): Generator<readonly [Buffer, Buffer]> {
    // A bucket has a page of its own, so that there are never more of them.
    if (this.#maxBucket >= this.#pages.count) throw new CorruptIndexError(`a table of ${this.#maxBucket} buckets`);
    for (let bucket = 0; bucket <= this.#maxBucket; bucket++) {
      for (const page of this.#chain(bucket)) {
        for (let entry = 0; entry + 1 < page.entries; entry += 2) {
          yield [this.#item(page, entry), this.#item(page, entry + 1)];
        }
      }
    }
  }

  *#chain(bucket: number): Generator<BerkeleyPage> {
    const doubling = bucket === 0 ? 0 : 32 - Math.clz32(bucket);
    if (doubling >= maxDoublings) throw new CorruptIndexError(`bucket ${bucket}`);
    let number = bucket + this.#pages.bytes.uint32(sparesOffset + doubling * 4);
    for (let left = this.#pages.count; number !== 0; left--) {
      if (left === 0) throw new CorruptIndexError(`the pages of bucket ${bucket} have no end`);
      // A bucket that was set aside when the table doubled, and never used.
      if (this.#pages.isBlank(number)) return;
      const page = this.#pages.page(number);
      if (page.type !== pageTypes.hash && page.type !== pageTypes.hashUnsorted) {
        throw new CorruptIndexError(`page ${number} is no hash page`);
      }
      yield page;
      number = page.next;
    }
  }

  /** Items are stored from the page's end downwards: each ends where the one before it begins. */
  #item(page: BerkeleyPage, entry: number): Buffer {
    const start = this.#pages.offset(page, entry);
    const end = entry === 0 ? this.#pages.pageBytes : this.#pages.offset(page, entry - 1);
    if (end <= start) throw new CorruptIndexError(`entry ${entry} of page ${page.number} has no length`);
    const item = this.#pages.part(page, start, end - start);
    if (item[0] === itemTypes.keyData) return item.subarray(1);
    if (item[0] === itemTypes.offPage && item.length === 12) {
      const { bytes } = this.#pages;
      return this.#pages.overflow(bytes.uint32(page.at + start + 4), bytes.uint32(page.at + start + 8));
    }
    throw new CorruptIndexError(`entry ${entry} of page ${page.number} is of type ${item[0]}`);
  }
}

/** Fowler/Noll/Vo, as since version 5 of the format. */
function hashOf(key: Uint8Array): number {
  let hash = 0;
  for (const byte of key) hash = (Math.imul(hash, 16_777_619) ^ byte) >>> 0;
  return hash;
}
