// Reads a Berkeley DB btree file (versions 8 to 10), as Postfix's `btree:` writes it: from the root down by keys in the
// order of their bytes; a leaf holds keys and values in turn, and long ones lie on overflow pages.

import { BerkeleyPages, type BerkeleyPage, pageTypes } from './berkeley-pages.ts';
import { CorruptIndexError, type IndexReader } from './index-bytes.ts';

const itemTypes = { keyData: 1, overflow: 3 };
const deleted = 0x80;
const rootOffset = 88;
// Berkeley DB itself allows 255 levels; a tree of 64 would not fit on a disk.
const maxDepth = 64;

export class BerkeleyBtreeReader implements IndexReader {
  readonly #pages: BerkeleyPages;
  readonly #root: number;

  constructor(file: Buffer) {
    this.#pages = new BerkeleyPages(file, 'btree');
    this.#root = this.#pages.bytes.uint32(rootOffset);
  }

  find(key: Uint8Array): Buffer | undefined {
    let page = this.#pages.page(this.#root);
    for (let depth = 0; page.type === pageTypes.btreeInternal; depth++) {
      if (depth === maxDepth || page.entries === 0) throw new CorruptIndexError(`page ${page.number} leads nowhere`);
      page = this.#pages.page(this.#child(page, this.#search(page, key)));
    }
    this.#expectLeaf(page);
    const entry = this.#searchLeaf(page, key);
    return entry === undefined ? undefined : this.#leafItem(page, entry + 1);
  }

  *entries(): Generator<readonly [Buffer, Buffer]> {
    let page = this.#pages.page(this.#root);
    for (let depth = 0; page.type === pageTypes.btreeInternal; depth++) {
      if (depth === maxDepth || page.entries === 0) throw new CorruptIndexError(`page ${page.number} leads nowhere`);
      page = this.#pages.page(this.#child(page, 0));
    }
    for (let left = this.#pages.count; ; left--) {
      if (left === 0) throw new CorruptIndexError('the leaves have no end');
      this.#expectLeaf(page);
      for (let entry = 0; entry + 1 < page.entries; entry += 2) {
        if (!this.#isDeleted(page, entry + 1)) yield [this.#leafItem(page, entry), this.#leafItem(page, entry + 1)];
      }
      if (page.next === 0) return;
      page = this.#pages.page(page.next);
    }
  }

  #expectLeaf(page: BerkeleyPage): void {
    if (page.type !== pageTypes.btreeLeaf) throw new CorruptIndexError(`page ${page.number} is no leaf`);
  }

  /** The last entry whose key is not greater; the first entry's key stands for everything that is smaller. */
  #search(page: BerkeleyPage, key: Uint8Array): number {
    let low = 1;
    let high = page.entries;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#internalKey(page, middle).compare(key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #searchLeaf(page: BerkeleyPage, key: Uint8Array): number | undefined {
    let low = 0;
    let high = page.entries >> 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = this.#leafItem(page, middle * 2).compare(key);
      if (order === 0) return this.#isDeleted(page, middle * 2 + 1) ? undefined : middle * 2;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  #child(page: BerkeleyPage, entry: number): number {
    return this.#pages.bytes.uint32(page.at + this.#pages.offset(page, entry) + 4);
  }

  /** BINTERNAL: length (2), type (1), unused, page (4), records (4), key. */
  #internalKey(page: BerkeleyPage, entry: number): Buffer {
    const offset = this.#pages.offset(page, entry);
    const { bytes } = this.#pages;
    const type = bytes.byte(page.at + offset + 2) & ~deleted;
    if (type === itemTypes.keyData) return this.#pages.part(page, offset + 12, bytes.uint16(page.at + offset));
    if (type === itemTypes.overflow) return this.#overflow(page, offset + 12);
    throw new CorruptIndexError(`entry ${entry} of page ${page.number} is of type ${type}`);
  }

  #isDeleted(page: BerkeleyPage, entry: number): boolean {
    return (this.#pages.bytes.byte(page.at + this.#pages.offset(page, entry) + 2) & deleted) !== 0;
  }

  /** BKEYDATA: length (2), type (1), the bytes; or BOVERFLOW. */
  #leafItem(page: BerkeleyPage, entry: number): Buffer {
    const offset = this.#pages.offset(page, entry);
    const { bytes } = this.#pages;
    const type = bytes.byte(page.at + offset + 2) & ~deleted;
    if (type === itemTypes.keyData) return this.#pages.part(page, offset + 3, bytes.uint16(page.at + offset));
    if (type === itemTypes.overflow) return this.#overflow(page, offset);
    throw new CorruptIndexError(`entry ${entry} of page ${page.number} is of type ${type}`);
  }

  /** BOVERFLOW: unused (2), type (1), unused (1), page (4), length (4). */
  #overflow(page: BerkeleyPage, offset: number): Buffer {
    const { bytes } = this.#pages;
    return this.#pages.overflow(bytes.uint32(page.at + offset + 4), bytes.uint32(page.at + offset + 8));
  }
}
