// Finds the MIME structure of a message (RFC 2045, RFC 2046) while its octets pass by: chunk by chunk, in
// one pass, with memory for one header and the structure only, so that a 50 MB message is analysed in
// slices of any size.
//
// Tolerant by design, since every message in a mailbox must be shown: a bare LF ends a line as CRLF does, a
// missing closing boundary ends at its parent's, a header may end at a boundary, what nests or multiplies
// beyond the limits is an opaque body. A boundary line is recognised by its beginning (RFC 2046 §5.1.1); where
// several open boundaries match, the longest wins, and among equals the innermost.
//
// Limits, all for input by strangers: parts, depth, header octets a part, and what is kept of headers.

import { findField, parseHeaderFields, type HeaderField } from './header-field.ts';
import { parseParameterizedValue } from './parameters.ts';
import { isMessage, isMultipart, newPart, parameterValue, type EnvelopeFields, type Part } from './part.ts';

/** Dovecot's limits are 10,000 parts, depth 100; real mail stays below 200 and 10. */
const maxParts = 10_000;
const maxDepth = 50;
/** A longer header is analysed up to here; a To field with 5,000 addresses fits. */
const maxHeaderBytes = 256 * 1024;
/** Octets of header text that one structure may keep, so that many parts cannot multiply long headers. */
const maxKeptBytes = 1024 * 1024;
/** RFC 2046 §5.1.1 allows 70; real ones are longer. */
const maxBoundaryLength = 250;
const lineHeadSize = maxBoundaryLength + 6;

const lineFeed = 10;
const carriageReturn = 13;
const dash = 45;

const envelopeNames = [
  'date',
  'subject',
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'in-reply-to',
  'message-id',
] as const satisfies readonly (keyof EnvelopeFields)[];

const addressNames: ReadonlySet<string> = new Set(['from', 'sender', 'reply-to', 'to', 'cc', 'bcc']);

interface OpenPart {
  readonly part: Part;
  /** Lines seen before the body. */
  linesBefore: number;
  /** Of a multipart whose parts are still to come. */
  boundary: Buffer | undefined;
}

export class MimeScanner {
  readonly #root = newPart(0);
  /** From the whole message down to the part that is being read. */
  readonly #open: OpenPart[] = [];
  #openBoundaries = 0;
  #inHeader = true;
  #header = Buffer.allocUnsafe(4096);
  #headerLength = 0;
  #headerLines = 0;
  #partCount = 1;
  #keptBytes = 0;

  /** Octets and line ends before the current line, and the length of the line end just before it. */
  #lineFrom = 0;
  #lines = 0;
  #previousLineEnd = 0;
  /** Of a line that reached over a chunk's end: its beginning, its length and its last octet. */
  readonly #lineHead = Buffer.allocUnsafe(lineHeadSize);
  #heldLength = 0;
  #heldLast = 0;

  constructor() {
    this.#root.envelope = {};
    this.#push(this.#root);
  }

  write(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const found = chunk.indexOf(lineFeed, at);
      if (found === -1) {
        this.#hold(chunk, at, chunk.length);
        return;
      }
      this.#endLine(chunk, at, found + 1);
      at = found + 1;
    }
  }

  /** The structure, after the last chunk. */
  finish(): Part {
    if (this.#heldLength > 0) {
      const head = this.#lineHead.subarray(0, Math.min(this.#heldLength, lineHeadSize));
      this.#line(head, this.#heldLength, 0);
    }
    if (this.#inHeader) this.#endHeader(this.#lineFrom);
    this.#closeDownTo(0, this.#lineFrom, this.#lines);
    return this.#root;
  }

  /** The line, or its rest, that ends in `chunk` before `to`. */
  #endLine(chunk: Uint8Array, from: number, to: number): void {
    const last = to - 2 >= from ? chunk[to - 2] : this.#heldLength > 0 ? this.#heldLast : 0;
    const lineEnd = last === carriageReturn ? 2 : 1;
    if (this.#heldLength === 0) {
      if (this.#inHeader) this.#keepHeader(chunk, from, to);
      this.#line(chunk.subarray(from, Math.min(to, from + lineHeadSize)), to - from, lineEnd);
      return;
    }
    this.#hold(chunk, from, to);
    const length = this.#heldLength;
    this.#heldLength = 0;
    this.#line(this.#lineHead.subarray(0, Math.min(length, lineHeadSize)), length, lineEnd);
  }

  #hold(chunk: Uint8Array, from: number, to: number): void {
    if (this.#inHeader) this.#keepHeader(chunk, from, to);
    if (this.#heldLength < lineHeadSize)
      this.#lineHead.set(chunk.subarray(from, Math.min(to, from + lineHeadSize - this.#heldLength)), this.#heldLength);
    this.#heldLength += to - from;
    this.#heldLast = chunk[to - 1] ?? 0;
  }

  #keepHeader(chunk: Uint8Array, from: number, to: number): void {
    const end = Math.min(to, from + maxHeaderBytes - this.#headerLength);
    if (end <= from) return;
    const length = this.#headerLength + end - from;
    if (length > this.#header.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, this.#header.length * 2));
      this.#header.copy(grown, 0, 0, this.#headerLength);
      this.#header = grown;
    }
    this.#header.set(chunk.subarray(from, end), this.#headerLength);
    this.#headerLength = length;
  }

  /** A whole line: its first octets, its length, and the length of its line end (0 at the end of the message). */
  #line(head: Uint8Array, length: number, lineEnd: number): void {
    const from = this.#lineFrom;
    const linesBefore = this.#lines;
    this.#lineFrom = from + length;
    if (lineEnd > 0) this.#lines++;
    const isBoundary =
      this.#openBoundaries > 0 &&
      head[0] === dash &&
      head[1] === dash &&
      this.#boundary(head, from, length, linesBefore);
    let endsHeader = false;
    if (!isBoundary && this.#inHeader) {
      if (lineEnd > 0) this.#headerLines++;
      endsHeader = length === lineEnd;
      if (endsHeader) this.#endHeader(this.#lineFrom);
    }
    // Boundaries and headers keep their own line end: it is not taken again for a boundary that follows at once.
    this.#previousLineEnd = isBoundary || endsHeader ? 0 : lineEnd;
  }

  /** Closes and opens parts where the line is a boundary of an open multipart. */
  #boundary(head: Uint8Array, from: number, length: number, linesBefore: number): boolean {
    const level = this.#matchingLevel(head, length);
    if (level === -1) return false;
    const multipart = this.#open[level];
    if (multipart?.boundary === undefined) return false;
    const afterBoundary = multipart.boundary.length + 2;
    const isClosing = head[afterBoundary] === dash && head[afterBoundary + 1] === dash;
    if (this.#inHeader) {
      this.#headerLength = Math.max(0, this.#headerLength - length);
      this.#endHeader(from, false);
      // The line end before is the header's.
      this.#previousLineEnd = 0;
    }
    // The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1).
    this.#closeDownTo(level + 1, from - this.#previousLineEnd, linesBefore - (this.#previousLineEnd > 0 ? 1 : 0));
    if (isClosing) {
      multipart.boundary = undefined;
      this.#openBoundaries--;
      this.#inHeader = false;
    } else {
      this.#beginPart(multipart.part);
    }
    return true;
  }

  #matchingLevel(head: Uint8Array, length: number): number {
    let found = -1;
    let foundLength = -1;
    for (let level = this.#open.length - 1; level >= 0; level--) {
      const boundary = this.#open[level]?.boundary;
      if (boundary === undefined || boundary.length <= foundLength || boundary.length + 2 > length) continue;
      if (boundary.compare(head, 2, 2 + boundary.length) !== 0) continue;
      found = level;
      foundLength = boundary.length;
    }
    return found;
  }

  #beginPart(multipart: Part): void {
    if (this.#partCount >= maxParts) {
      // Everything that follows is the last part's body.
      for (const open of this.#open) open.boundary = undefined;
      this.#openBoundaries = 0;
      this.#inHeader = false;
      return;
    }
    const part = newPart(this.#lineFrom);
    if (multipart.subtype.toLowerCase() === 'digest') {
      // RFC 2046 §5.1.5.
      part.type = 'message';
      part.subtype = 'rfc822';
    }
    multipart.children.push(part);
    this.#push(part);
  }

  #push(part: Part): void {
    this.#partCount++;
    this.#open.push({ part, linesBefore: this.#lines, boundary: undefined });
    this.#inHeader = true;
    this.#headerLength = 0;
    this.#headerLines = 0;
  }

  #endHeader(bodyFrom: number, hasEmptyLine = true): void {
    const open = this.#open.at(-1);
    if (open === undefined) return;
    const { part } = open;
    this.#inHeader = false;
    part.bodyFrom = bodyFrom;
    part.headerLines = this.#headerLines;
    open.linesBefore = hasEmptyLine ? this.#lines : this.#lines - 1;
    const fields = parseHeaderFields(this.#header.toString('latin1', 0, this.#headerLength));
    this.#describe(part, fields);
    if (part.envelope !== undefined) this.#keepEnvelope(part.envelope, fields);
    if (this.#open.length >= maxDepth || this.#partCount >= maxParts) return;
    if (isMultipart(part)) {
      const boundary = parameterValue(part.parameters, 'boundary');
      if (boundary === undefined || boundary === '' || boundary.length > maxBoundaryLength) return;
      open.boundary = Buffer.from(boundary, 'latin1');
      this.#openBoundaries++;
    } else if (isMessage(part)) {
      const inside = newPart(bodyFrom);
      inside.envelope = {};
      part.children.push(inside);
      this.#push(inside);
    }
  }

  #describe(part: Part, fields: readonly HeaderField[]): void {
    const typeField = this.#kept(fields, 'content-type');
    const type = typeField === undefined ? undefined : parseParameterizedValue(typeField);
    if (type !== undefined) {
      const slash = type.value.indexOf('/');
      if (slash > 0 && slash < type.value.length - 1) {
        part.type = type.value.slice(0, slash);
        part.subtype = type.value.slice(slash + 1);
        part.parameters = type.parameters;
      }
    }
    part.id = this.#kept(fields, 'content-id');
    part.description = this.#kept(fields, 'content-description');
    part.encoding = this.#kept(fields, 'content-transfer-encoding')?.split(/[\s;(]/, 1)[0] || undefined;
    part.md5 = this.#kept(fields, 'content-md5');
    const disposition = this.#kept(fields, 'content-disposition');
    part.disposition = disposition === undefined ? undefined : parseParameterizedValue(disposition);
    const languages = this.#kept(fields, 'content-language')?.split(/[\s,]+/) ?? [];
    part.languages = languages.filter((language) => language !== '');
    part.location = this.#kept(fields, 'content-location');
  }

  #keepEnvelope(envelope: EnvelopeFields, fields: readonly HeaderField[]): void {
    for (const name of envelopeNames) {
      const bodies = fields.filter((field) => field.name.toLowerCase() === name).map((field) => field.body);
      // A field that stands there twice (RFC 5322 §3.6 forbids it): lists are joined, of others the last counts.
      const body = addressNames.has(name) ? bodies.join(', ') : bodies.at(-1);
      if (body !== undefined && bodies.length > 0 && this.#keep(body)) envelope[name] = body;
    }
  }

  /** A field's body, as long as the budget for kept text lasts. */
  #kept(fields: readonly HeaderField[], name: string): string | undefined {
    const body = findField(fields, name)?.body;
    return body !== undefined && this.#keep(body) ? body : undefined;
  }

  #keep(text: string): boolean {
    if (this.#keptBytes + text.length > maxKeptBytes) return false;
    this.#keptBytes += text.length;
    return true;
  }

  /** Ends the open parts from `level` on at `end`, where `lines` line ends have been seen. */
  #closeDownTo(level: number, end: number, lines: number): void {
    while (this.#open.length > level) {
      const open = this.#open.pop();
      if (open === undefined) return;
      if (open.boundary !== undefined) this.#openBoundaries--;
      // An empty body: the boundary follows the empty line at once, and takes nothing from it.
      // What a part holds never reaches beyond it: an inner header may have ended after `end`.
      open.part.end = Math.max(end, open.part.bodyFrom, open.part.children.at(-1)?.end ?? 0);
      open.part.bodyLines = Math.max(lines - open.linesBefore, 0);
    }
  }
}

/** The structure of a message in memory. Never throws. */
export function parseMessage(bytes: Uint8Array): Part {
  const scanner = new MimeScanner();
  scanner.write(bytes);
  return scanner.finish();
}
