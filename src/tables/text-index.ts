// The rows of a text table (`key blanks value`, postmap(1)) as bytes and an index, not as a Map: a million aliases
// take about 70 MB instead of 600, and a change is swapped in as a whole.
//
// Layout. `arena` holds the rows one after the other: line number (4 bytes), key length (2), value length (4), the
// folded key, the value. `slots` is an open-addressing hash table with linear probing whose cells are the rows'
// offsets plus one; 0 is empty. At most half of the cells are used.
//
// Syntax as postmap(1) has it: logical lines with continuations, `#` comments, a key that ends at the first blank
// outside double quotes and keeps its quotes, a value with the blanks around it dropped. A line that is not so is
// reported and ignored. In the alias format (postalias(1)) the key ends at a colon and loses its quotes.

import { isUtf8 } from 'node:buffer';

export interface LineProblem {
  readonly line: number;
  readonly text: string;
}

/** What indexText makes; plain data, so that a worker can hand it over. */
export interface TextIndexData {
  readonly arena: Uint8Array<ArrayBuffer>;
  readonly slots: Uint32Array<ArrayBuffer>;
  readonly rows: number;
  readonly problems: readonly LineProblem[];
  /** Keys that came again; the first row holds. At most `maxProblems` are kept. */
  readonly duplicates: readonly LineProblem[];
}

const headerBytes = 10;
const maxProblems = 100;
const maxKeyBytes = 0xffff;
const newline = 10;
const hash = 0x23;
const doubleQuote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

export class TextIndex {
  readonly #arena: Buffer;
  readonly #slots: Uint32Array;
  readonly rows: number;

  constructor(data: TextIndexData) {
    this.#arena = Buffer.from(data.arena.buffer, data.arena.byteOffset, data.arena.byteLength);
    this.#slots = data.slots;
    this.rows = data.rows;
  }

  /** Offset of the row with this folded key, or -1. */
  find(foldedKey: string): number {
    const key = Buffer.from(foldedKey);
    return locate(this.#arena, this.#slots, key, 0, key.length).row;
  }

  value(row: number): string {
    const start = row + headerBytes + this.#arena.readUInt16LE(row + 4);
    return this.#arena.toString('utf8', start, start + this.#arena.readUInt32LE(row + 6));
  }

  line(row: number): number {
    return this.#arena.readUInt32LE(row);
  }
}

/** FNV-1a, spread so that the low bits, which choose the cell, depend on all of it. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let index = start; index < end; index++) value = Math.imul(value ^ (bytes[index] as number), 0x01000193);
  value ^= value >>> 15;
  return value >>> 0;
}

function locate(
  arena: Buffer,
  slots: Uint32Array,
  key: Uint8Array,
  start: number,
  end: number,
): { readonly row: number; readonly cell: number } {
  const mask = slots.length - 1;
  let cell = hashOf(key, start, end) & mask;
  for (;;) {
    const offset = slots[cell] as number;
    if (offset === 0) return { row: -1, cell };
    const row = offset - 1;
    if (arena.readUInt16LE(row + 4) === end - start && equals(arena, row + headerBytes, key, start, end)) {
      return { row, cell };
    }
    cell = (cell + 1) & mask;
  }
}

function equals(arena: Uint8Array, from: number, key: Uint8Array, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    if (arena[from + index - start] !== key[index]) return false;
  }
  return true;
}

/** Builds the index of a file's bytes. `detectAliases`: a first key that ends in `:` means the alias format. */
export function indexText(bytes: Buffer, detectAliases: boolean): TextIndexData {
  return new Indexer(bytes).run(detectAliases);
}

class Indexer {
  readonly #bytes: Buffer;
  readonly #isUtf8: boolean;
  readonly #arena: Buffer<ArrayBuffer>;
  readonly #slots: Uint32Array<ArrayBuffer>;
  readonly #problems: LineProblem[] = [];
  readonly #duplicates: LineProblem[] = [];
  #isAliasFormat = false;
  #detectsAliases = false;
  #end = 0;
  #rows = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#isUtf8 = isUtf8(bytes);
    let lines = 1;
    for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) lines++;
    // Folding may lengthen a key beyond ASCII, never more than threefold (U+0130, U+0390 …): rows that no longer
    // fit are reported, which takes a file made for it.
    this.#arena = Buffer.allocUnsafeSlow(bytes.length + lines * headerBytes + 4096);
    let cells = 16;
    while (cells < lines * 2) cells *= 2;
    this.#slots = new Uint32Array(cells);
  }

  run(detectAliases: boolean): TextIndexData {
    this.#detectsAliases = detectAliases;
    const bytes = this.#bytes;
    let parts: Buffer[] = [];
    let firstLine = 0;
    let number = 0;
    for (let start = 0; start < bytes.length; ) {
      let end = bytes.indexOf(newline, start);
      if (end === -1) end = bytes.length;
      number++;
      const kind = this.#lineKind(start, end);
      if (kind === 'continuation' && parts.length > 0) parts.push(bytes.subarray(start, end));
      else if (kind === 'continuation') this.#problem(number, 'logical line must not start with whitespace');
      else if (kind === 'row') {
        this.#addLogical(parts, firstLine);
        parts = [bytes.subarray(start, end)];
        firstLine = number;
      }
      start = end + 1;
    }
    this.#addLogical(parts, firstLine);
    return {
      arena: trimmed(this.#arena, this.#end),
      slots: this.#slots,
      rows: this.#rows,
      problems: this.#problems,
      duplicates: this.#duplicates,
    };
  }

  #lineKind(start: number, end: number): 'row' | 'continuation' | 'nothing' {
    let index = start;
    while (index < end && isBlank(this.#bytes[index] as number)) index++;
    if (index === end || this.#bytes[index] === hash) return 'nothing';
    return index === start ? 'row' : 'continuation';
  }

  #addLogical(parts: readonly Buffer[], line: number): void {
    const text = parts.length === 1 ? parts[0] : parts.length === 0 ? undefined : Buffer.concat(parts);
    if (text === undefined) return;
    if (!this.#isUtf8 && !isUtf8(text)) {
      this.#problem(line, 'not UTF-8: line ignored');
      return;
    }
    if (this.#detectsAliases) {
      this.#detectsAliases = false;
      const end = keyEnd(text, true);
      this.#isAliasFormat =
        end !== -1 && text[end] === colon && (end + 1 === text.length || isBlank(text[end + 1] as number));
    }
    this.#addRow(text, line);
  }

  #addRow(text: Buffer, line: number): void {
    const end = keyEnd(text, this.#isAliasFormat);
    if (end === -1) {
      this.#problem(line, `unbalanced '"': line ignored`);
      return;
    }
    let from = end;
    while (from < text.length && (isBlank(text[from] as number) || (this.#isAliasFormat && text[from] === colon)))
      from++;
    let to = text.length;
    while (to > from && isBlank(text[to - 1] as number)) to--;
    if (end === 0 || from >= to) {
      this.#problem(line, 'expected format: key whitespace value: line ignored');
      return;
    }
    if (!this.#isAliasFormat && text[end - 1] === colon) {
      this.#problem(line, 'record is in "key: value" format; is this an alias file?');
    }
    this.#store(this.#keyBytes(text, end), text, from, to, line);
  }

  /** Folded; ASCII in place, as nearly all keys are. */
  #keyBytes(text: Buffer, end: number): Buffer {
    if (this.#isAliasFormat && text[0] === doubleQuote) {
      return Buffer.from(text.toString('utf8', 0, end).replace(/["\\]/g, '').toLowerCase());
    }
    for (let index = 0; index < end; index++) {
      const code = text[index] as number;
      if (code >= 0x80) return Buffer.from(text.toString('utf8', 0, end).toLowerCase());
      if (code >= 0x41 && code <= 0x5a) text[index] = code + 0x20;
    }
    return text.subarray(0, end);
  }

  #store(key: Buffer, text: Buffer, from: number, to: number, line: number): void {
    const need = headerBytes + key.length + to - from;
    if (key.length > maxKeyBytes || this.#end + need > this.#arena.length) {
      this.#problem(line, 'key too long: line ignored');
      return;
    }
    const { row, cell } = locate(this.#arena, this.#slots, key, 0, key.length);
    if (row !== -1) {
      if (this.#duplicates.length < maxProblems) {
        this.#duplicates.push({ line, text: `duplicate entry: "${key.toString()}"` });
      }
      return;
    }
    const arena = this.#arena;
    const start = this.#end;
    arena.writeUInt32LE(line, start);
    arena.writeUInt16LE(key.length, start + 4);
    arena.writeUInt32LE(to - from, start + 6);
    key.copy(arena, start + headerBytes);
    text.copy(arena, start + headerBytes + key.length, from, to);
    this.#slots[cell] = start + 1;
    this.#end = start + need;
    this.#rows++;
  }

  #problem(line: number, text: string): void {
    if (this.#problems.length < maxProblems) this.#problems.push({ line, text });
  }
}

/** Gives back what was set aside for rows that turned out to be comments, when that is much. */
function trimmed(arena: Buffer<ArrayBuffer>, end: number): Uint8Array<ArrayBuffer> {
  return arena.length - end > 65_536 && end < arena.length * 0.75 ? new Uint8Array(arena.subarray(0, end)) : arena;
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** Where the key ends: at the first blank (or colon) outside quotes; -1 where a quote stays open. */
function keyEnd(text: Buffer, endsAtColon: boolean): number {
  let isQuoted = false;
  for (let index = 0; index < text.length; index++) {
    const code = text[index] as number;
    if (code === backslash) index++;
    else if (code === doubleQuote) isQuoted = !isQuoted;
    else if (!isQuoted && (isBlank(code) || (endsAtColon && code === colon))) return index;
  }
  return isQuoted ? -1 : text.length;
}
