// Finds the messages of an mbox file, without ever having it in memory. A message begins with a `From ` line that ends in a
// date. Where it has a Content-Length after which the next one begins, that is believed (mboxcl, mboxcl2): then lines of its
// text may begin with `From ` too.

import fs from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

export interface MboxEntry {
  /** Of the From_ line; milliseconds since 1970. */
  readonly date: number;
  readonly sender: string;
  /** Behind the From_ line. */
  readonly start: number;
  readonly bodyStart: number;
  /** Without the empty line that ends it. */
  readonly end: number;
  /** Its length came from Content-Length. */
  readonly isCounted: boolean;
  /** With its line ends; a character an octet. */
  readonly header: string;
}

const pieceBytes = 256 * 1024;
/** Of a header: what is longer is body. */
const maxHeaderBytes = 512 * 1024;
const maxFromLine = 1024;
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
// asctime(3), with a zone before or behind the year, as many have written it.
const fromPattern =
  /^From (.*?) *(?:mon|tue|wed|thu|fri|sat|sun),? +([a-z]{3}) +(\d{1,2}) +(\d{1,2}):(\d{2})(?::(\d{2}))?(?: +([+-]\d{4}|[A-Z]{1,5}))?(?: +(\d{4}))(?: +([+-]\d{4}|[A-Z]{1,5}))?[ \t]*\r?$/i;

export class MboxFile {
  readonly #handle: FileHandle;
  readonly #size: number;

  private constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.#size = size;
  }

  /** What is appended from now on is not seen. */
  static async open(file: string): Promise<MboxFile> {
    const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants;
    const handle = await open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stats = await handle.stat();
    if (!stats.isFile()) {
      await handle.close();
      throw new Error(`${file} is no regular file`);
    }
    return new MboxFile(handle, stats.size);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Undefined where the file begins otherwise than an mbox; an empty file is one. */
  async *entries(): AsyncIterable<MboxEntry> {
    for (let at = await this.#firstLine(); at < this.#size; ) {
      const line = parseFromLine(await this.#line(at));
      if (line === undefined) return;
      const entry = await this.#entry(at + line.length, line);
      yield entry.entry;
      at = entry.next;
    }
  }

  async isMbox(): Promise<boolean> {
    const at = await this.#firstLine();
    return at >= this.#size || parseFromLine(await this.#line(at)) !== undefined;
  }

  /** Behind empty lines at the beginning. */
  async #firstLine(): Promise<number> {
    const text = await this.#read(0, maxFromLine);
    return /^[\r\n]*/.exec(text.toString('latin1'))?.[0].length ?? 0;
  }

  async #line(at: number): Promise<string> {
    const text = (await this.#read(at, at + maxFromLine)).toString('latin1');
    const end = text.indexOf('\n');
    return end === -1 ? text : text.slice(0, end + 1);
  }

  async #entry(start: number, { date, sender }: FromLine): Promise<{ entry: MboxEntry; next: number }> {
    const header = await this.#header(start);
    const bodyStart = start + header.length;
    const counted = await this.#counted(bodyStart, header);
    const next = counted?.next ?? (await this.#nextFrom(Math.max(start, bodyStart - 2)));
    const end = counted?.end ?? (await this.#withoutEmptyLine(bodyStart, next));
    return { entry: { date, sender, start, bodyStart, end, isCounted: counted !== undefined, header }, next };
  }

  /** To the empty line, which belongs to it. */
  async #header(start: number): Promise<string> {
    let text = '';
    for (let at = start; at < this.#size && text.length < maxHeaderBytes; ) {
      const piece = await this.#read(at, at + 16_384);
      at += piece.length;
      text += piece.toString('latin1');
      if (/^\r?\n/.test(text)) return /^\r?\n/.exec(text)?.[0] ?? '';
      const end = /\n\r?\n/.exec(text);
      if (end !== null) return text.slice(0, end.index + end[0].length);
    }
    return text;
  }

  async #counted(bodyStart: number, header: string): Promise<{ end: number; next: number } | undefined> {
    const length = /^content-length:[ \t]*(\d{1,15})[ \t]*\r?$/im.exec(header)?.[1];
    if (length === undefined) return undefined;
    const end = bodyStart + Number(length);
    if (end > this.#size) return undefined;
    const after = (await this.#read(end, end + 4)).toString('latin1');
    const gap = /^(?:\r?\n){0,2}/.exec(after)?.[0].length ?? 0;
    const next = end + gap;
    if (next >= this.#size) return { end, next: this.#size };
    // The count may end inside a line: then it is wrong.
    const before = (await this.#read(next - 1, next)).toString('latin1');
    return before === '\n' && parseFromLine(await this.#line(next)) !== undefined ? { end, next } : undefined;
  }

  async #nextFrom(from: number): Promise<number> {
    const mark = Buffer.from('\nFrom ');
    for (let at = from; at < this.#size; ) {
      const piece = await this.#read(at, at + pieceBytes);
      for (let found = piece.indexOf(mark); found !== -1; found = piece.indexOf(mark, found + 1)) {
        const next = at + found + 1;
        if (parseFromLine(await this.#line(next)) !== undefined) return next;
      }
      if (piece.length < pieceBytes) break;
      at += piece.length - mark.length;
    }
    return this.#size;
  }

  async #withoutEmptyLine(bodyStart: number, next: number): Promise<number> {
    if (next - bodyStart < 1) return Math.max(bodyStart, next);
    const tail = (await this.#read(Math.max(bodyStart, next - 4), next)).toString('latin1');
    if (tail.endsWith('\r\n\r\n')) return next - 2;
    if (tail.endsWith('\n\n') || tail === '\n') return next - 1;
    return next;
  }

  async #read(from: number, to: number): Promise<Buffer> {
    const wanted = Math.min(to, this.#size) - from;
    if (wanted <= 0) return Buffer.alloc(0);
    const { buffer, bytesRead } = await this.#handle.read(Buffer.allocUnsafe(wanted), 0, wanted, from);
    return buffer.subarray(0, bytesRead);
  }

  async *bytes(from: number, to: number): AsyncIterable<Buffer> {
    for (let at = from; at < to; ) {
      const piece = await this.#read(at, Math.min(to, at + pieceBytes));
      if (piece.length === 0) throw new Error('the mbox has become shorter');
      yield piece;
      at += piece.length;
    }
  }
}

interface FromLine {
  readonly sender: string;
  readonly date: number;
  /** With its line end. */
  readonly length: number;
}

export function parseFromLine(line: string): FromLine | undefined {
  const match = fromPattern.exec(line.endsWith('\n') ? line.slice(0, -1) : line);
  if (match === null) return undefined;
  const [, sender = '', month = '', day, hour, minute, second = '0', zoneBefore, year, zoneBehind] = match;
  const index = months.indexOf(month.toLowerCase());
  if (index < 0) return undefined;
  const zone = zoneBefore ?? zoneBehind;
  const parts = [Number(year), index, Number(day), Number(hour), Number(minute), Number(second)] as const;
  const offset = zone === undefined ? undefined : zoneMinutes(zone);
  // Without a zone it is the time of the machine that wrote it, which is this one's until somebody knows better.
  const date = offset === undefined ? new Date(...parts).getTime() : Date.UTC(...parts) - offset * 60_000;
  return { sender, date, length: line.length };
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** `Thu Jan  1 10:00:00 2026 +0000`. */
export function printFromDate(milliseconds: number): string {
  const date = new Date(milliseconds);
  const month = months[date.getUTCMonth()] ?? '';
  const shownMonth = month.charAt(0).toUpperCase() + month.slice(1);
  const day = String(date.getUTCDate()).padStart(2);
  const time = date.toISOString().slice(11, 19);
  return `${weekdays[date.getUTCDay()]} ${shownMonth} ${day} ${time} ${date.getUTCFullYear()} +0000`;
}

function zoneMinutes(zone: string): number | undefined {
  const match = /^([+-])(\d{2})(\d{2})$/.exec(zone);
  if (match !== null) return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]));
  return zone === 'UTC' || zone === 'GMT' ? 0 : undefined;
}
