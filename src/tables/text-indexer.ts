// Reads a text table into an index, a piece at a time, so that a large file never stands in memory beside its index.
//
// Syntax as postmap(1) has it: logical lines with continuations, `#` comments, a key that ends at the first blank
// outside double quotes and keeps its quotes, a value with the blanks around it dropped. A line that is not so is
// reported and ignored. In the alias format (postalias(1)) the key ends at a colon and loses its quotes.
//
// The loops go over bytes and make no object per line: a million rows take half a second this way, and the worker
// that runs them (text-index-worker.ts) stays small.

import { foldKey } from '../address/form.ts';
import { isUtf8 } from 'node:buffer';
import {
  findCell,
  headerLength,
  type LineProblem,
  minHeaderBytes,
  type TextIndexData,
  writeHeader,
} from './text-index.ts';

const maxProblems = 100;
const newline = 10;
const hash = 0x23;
const doubleQuote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * Builds the index of a file's bytes, which it folds in place. `detectAliases`: a first key that ends in `:` means the
 * alias format.
 */
export function indexText(bytes: Uint8Array, detectAliases: boolean): TextIndexData {
  const indexer = new TextIndexer({ bytes: bytes.length, lines: countLines(bytes), detectAliases });
  indexer.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return indexer.end();
}

export function countLines(bytes: Uint8Array): number {
  let lines = 1;
  for (let index = 0; index < bytes.length; index++) if (bytes[index] === newline) lines++;
  return lines;
}

export interface TextSize {
  readonly bytes: number;
  /** At least as many as there are. */
  readonly lines: number;
  readonly detectAliases: boolean;
}

export class TextIndexer {
  readonly #arena: Buffer<ArrayBuffer>;
  readonly #slots: Uint32Array<ArrayBuffer>;
  readonly #maxRows: number;
  readonly #problems: LineProblem[] = [];
  readonly #duplicates: LineProblem[] = [];
  #isAliasFormat = false;
  #detectsAliases: boolean;
  #end = 0;
  #rows = 0;
  #line = 0;
  /** The row being read: in `#chunk` from `#from` to `#to`, and its continuations in `#more`; line 0 is none. */
  #chunk: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  #more: Buffer[] = [];
  #firstLine = 0;
  #isUtf8 = true;

  constructor({ bytes, lines, detectAliases }: TextSize) {
    // Folding may lengthen a key beyond ASCII, never more than threefold (U+0130, U+0390 ...), and long rows need some
    // bytes more: rows that no longer fit are reported, which takes a file made for it.
    this.#arena = Buffer.allocUnsafeSlow(bytes + lines * minHeaderBytes + Math.ceil(bytes / 64) + 4096);
    let cells = 16;
    while (cells < lines * 2) cells *= 2;
    this.#slots = new Uint32Array(cells);
    this.#maxRows = cells / 2;
    this.#detectsAliases = detectAliases;
  }

  /** The next lines of the file, whole ones (the last of the file may lack its newline); not kept after this call. */
  write(bytes: Buffer): void {
    this.#chunk = bytes;
    this.#isUtf8 = isUtf8(bytes);
    const { length } = bytes;
    for (let start = 0, end = 0; start < length; start = end + 1) {
      end = start;
      while (end < length && bytes[end] !== newline) end++;
      this.#line++;
      const first = bytes[start] as number;
      if (end > start && first !== hash && !isBlank(first)) {
        this.#addLogical();
        this.#from = start;
        this.#to = end;
        this.#firstLine = this.#line;
      } else if (end > start && first !== hash) this.#continue(start, end);
    }
    this.#keepForNextPiece();
  }

  end(): TextIndexData {
    this.#addLogical();
    return {
      arena: trimmed(this.#arena, this.#end),
      slots: this.#slots,
      rows: this.#rows,
      problems: this.#problems,
      duplicates: this.#duplicates,
    };
  }

  /** A line that starts with a blank: part of the row before, or a comment, or nothing. */
  #continue(start: number, end: number): void {
    let index = start;
    while (index < end && isBlank(this.#chunk[index] as number)) index++;
    if (index === end || this.#chunk[index] === hash) return;
    if (this.#firstLine === 0) this.#problem(this.#line, 'logical line must not start with whitespace');
    else this.#more.push(Buffer.from(this.#chunk.subarray(start, end)));
  }

  #keepForNextPiece(): void {
    if (this.#firstLine === 0 || this.#to === 0) return;
    this.#more.unshift(Buffer.from(this.#chunk.subarray(this.#from, this.#to)));
    this.#from = 0;
    this.#to = 0;
  }

  #addLogical(): void {
    const line = this.#firstLine;
    if (line === 0) return;
    this.#firstLine = 0;
    if (this.#more.length === 0) {
      if (this.#isUtf8 || isUtf8(this.#chunk.subarray(this.#from, this.#to))) {
        this.#addRow(this.#chunk, this.#from, this.#to, line);
      } else this.#problem(line, 'not UTF-8: line ignored');
      return;
    }
    const text = Buffer.concat([this.#chunk.subarray(this.#from, this.#to), ...this.#more]);
    this.#more = [];
    if (isUtf8(text)) this.#addRow(text, 0, text.length, line);
    else this.#problem(line, 'not UTF-8: line ignored');
  }

  #addRow(text: Buffer, start: number, lineEnd: number, line: number): void {
    if (this.#detectsAliases) this.#detectFormat(text, start, lineEnd);
    const keyEnd = findKeyEnd(text, start, lineEnd, this.#isAliasFormat);
    if (keyEnd === -1) {
      this.#problem(line, `unbalanced '"': line ignored`);
      return;
    }
    let from = keyEnd;
    while (from < lineEnd && isBlank(text[from] as number)) from++;
    // One colon only: `list: :include:/file`.
    if (this.#isAliasFormat && text[from] === colon) from++;
    while (from < lineEnd && isBlank(text[from] as number)) from++;
    let to = lineEnd;
    while (to > from && isBlank(text[to - 1] as number)) to--;
    if (keyEnd === start || from >= to) {
      this.#problem(line, 'expected format: key whitespace value: line ignored');
      return;
    }
    if (!this.#isAliasFormat && text[keyEnd - 1] === colon) {
      this.#problem(line, 'record is in "key: value" format; is this an alias file?');
    }
    const isQuoted = this.#isAliasFormat && text[start] === doubleQuote;
    if (isQuoted || !foldAscii(text, start, keyEnd)) {
      const key = text.toString('utf8', start, keyEnd);
      const folded = Buffer.from(foldKey(isQuoted ? key.replace(/["\\]/g, '') : key));
      this.#store({ key: folded, keyFrom: 0, keyTo: folded.length }, text, from, to, line);
    } else this.#store({ key: text, keyFrom: start, keyTo: keyEnd }, text, from, to, line);
  }

  #detectFormat(text: Buffer, start: number, lineEnd: number): void {
    this.#detectsAliases = false;
    const end = findKeyEnd(text, start, lineEnd, true);
    this.#isAliasFormat =
      end !== -1 && end < lineEnd && text[end] === colon && (end + 1 === lineEnd || isBlank(text[end + 1] as number));
  }

  #store(
    { key, keyFrom, keyTo }: { readonly key: Buffer; readonly keyFrom: number; readonly keyTo: number },
    text: Buffer,
    from: number,
    to: number,
    line: number,
  ): void {
    const arena = this.#arena;
    const keyLength = keyTo - keyFrom;
    const end = this.#end + headerLength(keyLength, to - from) + keyLength + to - from;
    if (end > arena.length || this.#rows >= this.#maxRows) {
      this.#problem(line, 'the file has grown while it was read, or the key is too long: line ignored');
      return;
    }
    const cell = findCell(arena, this.#slots, key, keyFrom, keyTo);
    if (this.#slots[cell] !== 0) {
      if (this.#duplicates.length < maxProblems) {
        this.#duplicates.push({ line, text: `duplicate entry: "${key.toString('utf8', keyFrom, keyTo)}"` });
      }
      return;
    }
    let at = writeHeader(arena, this.#end, line, keyLength, to - from);
    at = copyBytes(arena, at, key, keyFrom, keyTo);
    copyBytes(arena, at, text, from, to);
    this.#slots[cell] = this.#end + 1;
    this.#end = end;
    this.#rows++;
  }

  #problem(line: number, text: string): void {
    if (this.#problems.length < maxProblems) this.#problems.push({ line, text });
  }
}

/** Short pieces byte by byte: the call into C++ costs more than they do. */
function copyBytes(target: Buffer, at: number, source: Buffer, from: number, to: number): number {
  if (to - from > 64) source.copy(target, at, from, to);
  else for (let index = from; index < to; index++) target[at + index - from] = source[index] as number;
  return at + to - from;
}

/** Gives back what was set aside for rows that turned out to be comments, when that is much. */
function trimmed(arena: Buffer<ArrayBuffer>, end: number): Uint8Array<ArrayBuffer> {
  return arena.length - end > 65_536 && end < arena.length * 0.75 ? new Uint8Array(arena.subarray(0, end)) : arena;
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** Folds a key in place, as nearly all keys can be; false when it holds more than ASCII. */
function foldAscii(text: Buffer, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    const code = text[index] as number;
    if (code >= 0x80) return false;
    if (code >= 0x41 && code <= 0x5a) text[index] = code + 0x20;
  }
  return true;
}

/** Where the key ends: at the first blank (or colon) outside quotes; -1 where a quote stays open. */
function findKeyEnd(text: Buffer, start: number, end: number, endsAtColon: boolean): number {
  let isQuoted = false;
  for (let index = start; index < end; index++) {
    const code = text[index] as number;
    if (code === backslash) index++;
    else if (code === doubleQuote) isQuoted = !isQuoted;
    else if (!isQuoted && (isBlank(code) || (endsAtColon && code === colon))) return index;
  }
  return isQuoted ? -1 : end;
}
