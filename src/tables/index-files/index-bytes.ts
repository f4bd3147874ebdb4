// The bytes of an index file (Berkeley DB, LMDB, cdb), read with every offset checked: a file that was cut short, is
// being written, or was made to do harm is "corrupt", never a wrong answer or an endless walk.

/** The file is not what it should be; whoever asks says "could not find out". */
export class CorruptIndexError extends Error {
  override name = 'CorruptIndexError';
}

/** Reads an index: the value of exactly these bytes, and all rows. Throws CorruptIndexError. */
export interface IndexReader {
  find(key: Uint8Array): Buffer | undefined;
  entries(): Iterable<readonly [key: Buffer, value: Buffer]>;
}

export class IndexBytes {
  readonly #bytes: Buffer;
  readonly #isBigEndian: boolean;

  constructor(bytes: Buffer, isBigEndian = false) {
    this.#bytes = bytes;
    this.#isBigEndian = isBigEndian;
  }

  get length(): number {
    return this.#bytes.length;
  }

  byte(at: number): number {
    this.#check(at, 1);
    return this.#bytes[at] as number;
  }

  uint16(at: number): number {
    this.#check(at, 2);
    return this.#isBigEndian ? this.#bytes.readUInt16BE(at) : this.#bytes.readUInt16LE(at);
  }

  uint32(at: number): number {
    this.#check(at, 4);
    return this.#isBigEndian ? this.#bytes.readUInt32BE(at) : this.#bytes.readUInt32LE(at);
  }

  /** As a number: what does not fit in 53 bits is no offset of a file. */
  uint64(at: number): number {
    const high = this.uint32(this.#isBigEndian ? at : at + 4);
    const low = this.uint32(this.#isBigEndian ? at + 4 : at);
    return high * 0x1_0000_0000 + low;
  }

  slice(at: number, length: number): Buffer {
    this.#check(at, length);
    return this.#bytes.subarray(at, at + length);
  }

  #check(at: number, length: number): void {
    if (!Number.isSafeInteger(at) || at < 0 || length < 0 || at + length > this.#bytes.length) {
      throw new CorruptIndexError(`an offset (${at}, ${length} bytes) is outside of the file`);
    }
  }
}
