// What Berkeley DB's hash and btree files share: the meta page, the header of a page, items that lie on overflow pages.
// The layouts are those of Berkeley DB 3 to 18 (dbinc/db_page.h); files of either byte order are read.

import { CorruptIndexError, IndexBytes } from './index-bytes.ts';

export const pageHeaderBytes = 26;
/** Of Berkeley DB's page types those that a Postfix table can hold. */
export const pageTypes = { hashUnsorted: 2, btreeInternal: 3, btreeLeaf: 5, overflow: 7, hash: 13 };

const magics = { hash: 0x061561, btree: 0x053162 };
const checksums = 0x01;
const minPageBytes = 512;

export interface BerkeleyPage {
  readonly number: number;
  /** Offset in the file. */
  readonly at: number;
  readonly next: number;
  readonly entries: number;
  readonly freeOffset: number;
  readonly type: number;
}

export class BerkeleyPages {
  readonly bytes: IndexBytes;
  readonly pageBytes: number;

  /** Postfix opens a btree's file as `hash:` no more than Berkeley DB does, and neither do we. */
  constructor(file: Buffer, kind: keyof typeof magics) {
    const magic = magics[kind];
    if (file.length < minPageBytes) throw new CorruptIndexError('too short for a Berkeley DB file');
    const isBigEndian = file.readUInt32BE(12) === magic;
    if (!isBigEndian && file.readUInt32LE(12) !== magic) throw new CorruptIndexError(`no Berkeley DB ${kind} file`);
    this.bytes = new IndexBytes(file, isBigEndian);
    const version = this.bytes.uint32(16);
    this.pageBytes = this.bytes.uint32(20);
    if (version < 8 || version > 10) throw new CorruptIndexError(`Berkeley DB ${kind} version ${version}`);
    if (this.pageBytes < minPageBytes || this.pageBytes > 65_536 || (this.pageBytes & (this.pageBytes - 1)) !== 0) {
      throw new CorruptIndexError(`a page size of ${this.pageBytes}`);
    }
    if (this.bytes.byte(24) !== 0 || (this.bytes.byte(26) & checksums) !== 0) {
      throw new CorruptIndexError('encrypted or checksummed Berkeley DB files cannot be read');
    }
  }

  /** No walk over pages can be longer without coming back to one. */
  get count(): number {
    return Math.ceil(this.bytes.length / this.pageBytes);
  }

  /** Never written: all of its head is zero. */
  isBlank(number: number): boolean {
    return number > 0 && this.bytes.slice(number * this.pageBytes, pageHeaderBytes).every((byte) => byte === 0);
  }

  page(number: number): BerkeleyPage {
    const at = number * this.pageBytes;
    const { bytes } = this;
    bytes.slice(at, this.pageBytes);
    if (bytes.uint32(at + 8) !== number || number === 0)
      throw new CorruptIndexError(`page ${number} says it is another`);
    const entries = bytes.uint16(at + 20);
    const type = bytes.byte(at + 25);
    if (type !== pageTypes.overflow && pageHeaderBytes + entries * 2 > this.pageBytes) {
      throw new CorruptIndexError(`page ${number} has ${entries} entries`);
    }
    return { number, at, next: bytes.uint32(at + 16), entries, freeOffset: bytes.uint16(at + 22), type };
  }

  /** Where an entry begins, within its page. */
  offset(page: BerkeleyPage, entry: number): number {
    const offset = this.bytes.uint16(page.at + pageHeaderBytes + entry * 2);
    if (offset < pageHeaderBytes || offset >= this.pageBytes) {
      throw new CorruptIndexError(`an entry at ${offset} of page ${page.number}`);
    }
    return offset;
  }

  /** `length` bytes of a page, which do not reach into the next. */
  part(page: BerkeleyPage, offset: number, length: number): Buffer {
    if (offset + length > this.pageBytes) throw new CorruptIndexError(`an entry leaves page ${page.number}`);
    return this.bytes.slice(page.at + offset, length);
  }

  /** An item that lies on a chain of overflow pages, each with as many bytes as its `freeOffset` says. */
  overflow(first: number, length: number): Buffer {
    const parts: Buffer[] = [];
    let found = 0;
    for (let number = first, left = this.count; found < length; left--) {
      if (number === 0 || left < 0) throw new CorruptIndexError(`an item on page ${first} is cut short`);
      const page = this.page(number);
      if (page.type !== pageTypes.overflow) throw new CorruptIndexError(`page ${number} is no overflow page`);
      parts.push(this.part(page, pageHeaderBytes, page.freeOffset));
      found += page.freeOffset;
      number = page.next;
    }
    return Buffer.concat(parts, length);
  }
}
