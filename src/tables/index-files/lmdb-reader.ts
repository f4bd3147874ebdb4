// Reads an LMDB file of format 1 on a 64-bit machine, as Postfix's `lmdb:` writes it: the unnamed database, one value
// per key. Pages of the size that the meta page names; two meta pages, of which the one with the later transaction
// holds; a B+ tree of branch and leaf pages; values that are too long for a leaf on overflow pages of their own.
// (lmdb_table(5); LMDB's mdb.c describes MDB_meta, MDB_page and MDB_node.)

import { CorruptIndexError, IndexBytes, type IndexReader } from './index-bytes.ts';

const magic = 0xbeefc0de;
const formatVersion = 1;
const pageHeaderBytes = 16;
const metaPages = 2;
const noPage = 0x1_0000_0000 * 0xffffffff + 0xffffffff;
const flags = { branch: 0x01, leaf: 0x02, overflow: 0x04, meta: 0x08 };
const nodeFlags = { bigData: 0x01, subData: 0x02, dupData: 0x04 };
const nodeHeaderBytes = 8;
// A tree of depth 32 with two keys a page would hold more rows than a disk.
const maxDepth = 32;

interface Page {
  readonly at: number;
  readonly flags: number;
  readonly keys: number;
}

export class LmdbReader implements IndexReader {
  readonly #bytes: IndexBytes;
  readonly #pageBytes: number;
  readonly #root: number;

  constructor(file: Buffer) {
    this.#bytes = new IndexBytes(file);
    const first = this.#readMeta(0);
    this.#pageBytes = first.pageBytes;
    const second = this.#readMeta(this.#pageBytes);
    this.#root = second.transaction > first.transaction ? second.root : first.root;
  }

  find(key: Uint8Array): Buffer | undefined {
    if (this.#root === noPage) return undefined;
    let page = this.#page(this.#root);
    for (let depth = 0; depth < maxDepth; depth++) {
      const index = this.#search(page, key);
      if ((page.flags & flags.leaf) !== 0) {
        if (index >= page.keys) return undefined;
        const node = this.#node(page, index);
        return this.#key(node).equals(key) ? this.#value(node) : undefined;
      }
      page = this.#page(this.#child(page, index));
    }
    throw new CorruptIndexError('the tree is too deep');
  }

  *entries(): Generator<readonly [Buffer, Buffer]> {
    if (this.#root === noPage) return;
    // Pages are visited once each: a cycle would come back.
    let left = Math.ceil(this.#bytes.length / this.#pageBytes);
    const trail = [{ page: this.#page(this.#root), next: 0 }];
    for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
      if (top.next >= top.page.keys) trail.pop();
      else if ((top.page.flags & flags.leaf) !== 0) {
        const node = this.#node(top.page, top.next++);
        yield [this.#key(node), this.#value(node)];
      } else {
        if (trail.length >= maxDepth || --left < 0) throw new CorruptIndexError('the tree has no end');
        trail.push({ page: this.#page(this.#child(top.page, top.next++)), next: 0 });
      }
    }
  }

  #readMeta(at: number): { readonly pageBytes: number; readonly root: number; readonly transaction: number } {
    const bytes = this.#bytes;
    const meta = at + pageHeaderBytes;
    if ((bytes.uint16(at + 10) & flags.meta) === 0 || bytes.uint32(meta) !== magic) {
      throw new CorruptIndexError('no LMDB meta page of a 64-bit machine');
    }
    // The high bits of the version say which machine word the sizes have, in later formats.
    const version = bytes.uint32(meta + 4);
    if (version !== formatVersion) throw new CorruptIndexError(`LMDB format ${version}; only format 1 can be read`);
    // MDB_meta: magic, version, address, map size, the free list's MDB_db, the main MDB_db, last page, transaction.
    const pageBytes = bytes.uint32(meta + 24);
    if (pageBytes < 256 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0) {
      throw new CorruptIndexError(`a page size of ${pageBytes}`);
    }
    return { pageBytes, root: bytes.uint64(meta + 24 + 48 + 40), transaction: bytes.uint64(meta + 24 + 96 + 8) };
  }

  #page(number: number): Page {
    const at = number * this.#pageBytes;
    if (number < metaPages) throw new CorruptIndexError(`page ${number} is no page of the tree`);
    const page = this.#bytes.slice(at, this.#pageBytes);
    const kind = page.readUInt16LE(10);
    const lower = page.readUInt16LE(12);
    const isTree = (kind & (flags.branch | flags.leaf)) !== 0 && (kind & (flags.overflow | flags.meta)) === 0;
    if (!isTree || lower < pageHeaderBytes || lower > this.#pageBytes) {
      throw new CorruptIndexError(`page ${number} is no page of the tree`);
    }
    const keys = (lower - pageHeaderBytes) >> 1;
    if ((kind & flags.branch) !== 0 && keys === 0) throw new CorruptIndexError(`page ${number} is empty`);
    return { at, flags: kind, keys };
  }

  /** The offset in the file of a page's node; its header lies within the page. */
  #node(page: Page, index: number): number {
    const offset = this.#bytes.uint16(page.at + pageHeaderBytes + index * 2);
    if (offset < pageHeaderBytes || offset + nodeHeaderBytes > this.#pageBytes) {
      throw new CorruptIndexError(`a node at ${offset} of its page`);
    }
    return page.at + offset;
  }

  #key(node: number): Buffer {
    return this.#bytes.slice(node + nodeHeaderBytes, this.#bytes.uint16(node + 6));
  }

  #child(page: Page, index: number): number {
    const node = this.#node(page, index);
    const bytes = this.#bytes;
    return bytes.uint16(node) + bytes.uint16(node + 2) * 0x1_0000 + bytes.uint16(node + 4) * 0x1_0000_0000;
  }

  #value(node: number): Buffer {
    const bytes = this.#bytes;
    const kind = bytes.uint16(node + 4);
    if ((kind & (nodeFlags.subData | nodeFlags.dupData)) !== 0) {
      throw new CorruptIndexError('a key with several values, or a database in the database');
    }
    const length = bytes.uint16(node) + bytes.uint16(node + 2) * 0x1_0000;
    const start = node + nodeHeaderBytes + bytes.uint16(node + 6);
    if ((kind & nodeFlags.bigData) === 0) return bytes.slice(start, length);
    const number = bytes.uint64(start);
    const at = number * this.#pageBytes;
    if (number < metaPages || (bytes.uint16(at + 10) & flags.overflow) === 0) {
      throw new CorruptIndexError(`page ${number} is no overflow page`);
    }
    return bytes.slice(at + pageHeaderBytes, length);
  }

  /** In a leaf the first key that is not smaller; in a branch the child that holds the key. */
  #search(page: Page, key: Uint8Array): number {
    const isLeaf = (page.flags & flags.leaf) !== 0;
    // A branch's first key stands for everything that is smaller; it is empty.
    let low = isLeaf ? 0 : 1;
    let high = page.keys;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = this.#key(this.#node(page, middle)).compare(key);
      if (order < 0 || (order === 0 && !isLeaf)) low = middle + 1;
      else high = middle;
    }
    return isLeaf ? low : low - 1;
  }
}
