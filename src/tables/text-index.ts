// The rows of a table as bytes and an index, not as a Map: a million aliases take about 65 MB instead of 600, and a
// change is swapped in as a whole. text-indexer.ts makes it from a file of `key blanks value` lines (postmap(1)).
//
// Layout. `arena` holds the rows one after the other: line number (4 bytes), length of the key (1 byte, or 255 and 4
// more), length of the value (likewise), the folded key, the value. `slots` is an open-addressing hash table with
// linear probing whose cells are the rows' offsets plus one; 0 is empty. At most half of the cells are used.

export interface LineProblem {
  readonly line: number;
  readonly text: string;
}

/** What an indexer makes; plain data, so that a worker can hand it over. */
export interface TextIndexData {
  readonly arena: Uint8Array<ArrayBuffer>;
  readonly slots: Uint32Array<ArrayBuffer>;
  readonly rows: number;
  readonly problems: readonly LineProblem[];
  /** Keys that came again; the first row holds. At most 100 are kept. */
  readonly duplicates: readonly LineProblem[];
}

/** Line number and two short lengths: what each row needs at least beside its text. */
export const minHeaderBytes = 6;
const long = 0xff;

/** A key of ASCII while it is looked up. */
const scratch = new Uint8Array(320);

export class TextIndex {
  readonly #arena: Buffer;
  readonly #slots: Uint32Array;
  readonly rows: number;
  #isListed = false;

  constructor(data: TextIndexData) {
    this.#arena = Buffer.from(data.arena.buffer, data.arena.byteOffset, data.arena.byteLength);
    this.#slots = data.slots;
    this.rows = data.rows;
  }

  /** Offset of the row with this folded key, or -1. */
  find(foldedKey: string): number {
    const { length } = foldedKey;
    // Nearly all keys: to make a Buffer of one costs more than to look it up.
    if (length <= scratch.length) {
      let index = 0;
      for (; index < length; index++) {
        const code = foldedKey.charCodeAt(index);
        if (code > 0x7f) break;
        scratch[index] = code;
      }
      if (index === length) return this.#rowOf(scratch, length);
    }
    const key = Buffer.from(foldedKey);
    return this.#rowOf(key, key.length);
  }

  #rowOf(key: Uint8Array, length: number): number {
    return (this.#slots[findCell(this.#arena, this.#slots, key, 0, length)] as number) - 1;
  }

  value(row: number): string {
    const layout = rowLayout(this.#arena, row);
    return this.#arena.toString('utf8', layout.valueStart, layout.end);
  }

  line(row: number): number {
    return this.#arena.readUInt32LE(row);
  }

  /**
   * Gives the memory back now: the garbage collector sees a few bytes here and would let three generations of a large
   * table stand side by side. Nothing may be asked afterwards; rows that are being listed keep it.
   */
  release(): void {
    if (this.#isListed) return;
    for (const { buffer } of [this.#arena, this.#slots]) (buffer as ArrayBuffer).transfer(0);
  }

  /** All rows, in the order of the file. */
  *entries(): Generator<{ readonly key: string; readonly value: string; readonly line: number }> {
    this.#isListed = true;
    for (let row = 0, left = this.rows; left > 0; left--) {
      const { keyStart, valueStart, end } = rowLayout(this.#arena, row);
      const key = this.#arena.toString('utf8', keyStart, valueStart);
      yield { key, value: this.#arena.toString('utf8', valueStart, end), line: this.line(row) };
      row = end;
    }
  }
}

interface RowLayout {
  readonly keyStart: number;
  readonly valueStart: number;
  readonly end: number;
}

function rowLayout(arena: Buffer, row: number): RowLayout {
  let at = row + 4;
  let keyLength = arena[at++] as number;
  if (keyLength === long) {
    keyLength = arena.readUInt32LE(at);
    at += 4;
  }
  let valueLength = arena[at++] as number;
  if (valueLength === long) {
    valueLength = arena.readUInt32LE(at);
    at += 4;
  }
  return { keyStart: at, valueStart: at + keyLength, end: at + keyLength + valueLength };
}

/** Writes what stands before the key and the value; returns where the key starts. */
export function writeHeader(arena: Buffer, row: number, line: number, keyLength: number, valueLength: number): number {
  let at = arena.writeUInt32LE(line, row);
  at = writeLength(arena, at, keyLength);
  return writeLength(arena, at, valueLength);
}

export function headerLength(keyLength: number, valueLength: number): number {
  return minHeaderBytes + (keyLength < long ? 0 : 4) + (valueLength < long ? 0 : 4);
}

function writeLength(arena: Buffer, at: number, length: number): number {
  if (length < long) {
    arena[at] = length;
    return at + 1;
  }
  arena[at] = long;
  return arena.writeUInt32LE(length, at + 1);
}

/** FNV-1a, spread so that the low bits, which choose the cell, depend on all of it. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let index = start; index < end; index++) value = Math.imul(value ^ (bytes[index] as number), 0x01000193);
  value ^= value >>> 15;
  return value >>> 0;
}

/** The cell of this key: the one that names its row, or the empty one where it belongs. */
export function findCell(arena: Buffer, slots: Uint32Array, key: Uint8Array, start: number, end: number): number {
  const mask = slots.length - 1;
  let cell = hashOf(key, start, end) & mask;
  for (;;) {
    const offset = slots[cell] as number;
    if (offset === 0 || isKeyOf(arena, offset - 1, key, start, end)) return cell;
    cell = (cell + 1) & mask;
  }
}

function isKeyOf(arena: Buffer, row: number, key: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  let from = row + 5;
  if (length < long) {
    if (arena[row + 4] !== length) return false;
  } else {
    if (arena[row + 4] !== long || arena.readUInt32LE(row + 5) !== length) return false;
    from += 4;
  }
  from += arena[from] === long ? 5 : 1;
  for (let index = 0; index < length; index++) {
    if (arena[from + index] !== key[start + index]) return false;
  }
  return true;
}
