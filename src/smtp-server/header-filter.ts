// What Postfix's cleanup(8) does to the header of every message, on the octets as they pass: drops the fields of
// message_drop_headers (Bcc, Return-Path ...), counts Received: fields, notes the Message-ID for the log, and adds
// Message-Id, Date and From at the end of the header where they are wanted and missing. All other octets pass
// unchanged. A line that is not a header field ends the header: an empty line goes before it.
// Holds back at most one line, or one field whose addresses are to be rewritten; a line longer than the limit ends the
// filtering, a field longer than it stays as it is, never the message.

import type { FieldRewriter } from '../routing/header-rewriting.ts';
import type { SliceSink } from '../smtp/dot-reader.ts';
import { OrderedOutput } from './ordered-output.ts';

export interface HeaderFilterOptions {
  readonly emit: SliceSink;
  readonly droppedHeaders: ReadonlySet<string>;
  readonly maxLineLength: number;
  readonly rewriter?: FieldRewriter | undefined;
  /** A field could not be rewritten: nothing more is emitted, and the message must be refused. */
  readonly onFailure?: (error: unknown) => void;
  /** Called once, at the end of the header, with what was seen: gives CRLF lines to add, or ''. */
  readonly onHeaderEnd: (seen: HeaderSummary) => string;
}

export interface HeaderSummary {
  /** Lower-case names among message-id, date, from and their resent- forms. */
  readonly fields: ReadonlySet<string>;
  /** The value of the first Message-ID field, or ''. */
  readonly messageId: string;
  /** Of the first Subject field, as it stands there, a character an octet. */
  readonly subject: string;
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;
const empty = Buffer.alloc(0);
const crlf = Buffer.from('\r\n');

/** The longest field name that means anything here is resent-message-id. */
const maxNameLength = 40;
const notedFields = new Set([
  'message-id',
  'subject',
  'date',
  'from',
  'resent-message-id',
  'resent-date',
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
  'resent-bcc',
  'to',
  'cc',
]);
const maxNotedLength = 998;

export class HeaderFilter {
  readonly #options: HeaderFilterOptions;
  readonly #output: OrderedOutput;
  readonly #fields = new Set<string>();
  /** Lines of the field that is to be rewritten. */
  #field: Buffer[] = [];
  #fieldLength = 0;
  #held: Buffer = empty;
  #isInHeader = true;
  #isFirstLine = true;
  #isDropping = false;
  /** The field whose lines are being noted. */
  #noting: 'messageId' | 'subject' | undefined;
  readonly #noted = { messageId: '', subject: '' };
  #receivedCount = 0;
  #passedTo = 0;

  constructor(options: HeaderFilterOptions) {
    this.#options = options;
    this.#output = new OrderedOutput(options.emit, (error) => options.onFailure?.(error));
  }

  /** Resolves when what was written has been emitted; undefined when it has. */
  get waiting(): Promise<void> | undefined {
    return this.#output.waiting;
  }

  /** Received: fields of the message, ours not among them. */
  get receivedCount(): number {
    return this.#receivedCount;
  }

  write(slice: Buffer): void {
    if (!this.#isInHeader) {
      this.#output.put(slice);
      return;
    }
    const chunk = this.#held.length === 0 ? slice : Buffer.concat([this.#held, slice]);
    let searched = this.#held.length;
    let lineStart = 0;
    this.#held = empty;
    this.#passedTo = 0;
    while (this.#isInHeader) {
      const lineFeed = chunk.indexOf(LF, searched);
      if (lineFeed === -1) break;
      searched = lineFeed + 1;
      this.#takeLine(chunk, lineStart, searched);
      lineStart = searched;
    }
    this.#pass(chunk, this.#isInHeader ? lineStart : chunk.length);
    if (!this.#isInHeader || lineStart === chunk.length) return;
    this.#held = chunk.subarray(lineStart);
    if (this.#held.length > this.#options.maxLineLength) this.#giveUp();
  }

  /** The message is over: a header without a body ends here. */
  finish(): void {
    if (!this.#isInHeader) return;
    // Only a last BDAT chunk can end without a line end.
    if (this.#held.length > 0) this.write(crlf);
    if (this.#isInHeader) this.#endHeader(empty, 0, false);
  }

  /** Emits what lies between the last octet that was decided on and `end`. */
  #pass(chunk: Buffer, end: number): void {
    if (end > this.#passedTo) this.#output.put(chunk.subarray(this.#passedTo, end));
    this.#passedTo = end;
  }

  /** Keeps a line of a field whose addresses are to be rewritten. */
  #hold(chunk: Buffer, start: number, end: number): void {
    this.#drop(chunk, start, end);
    this.#field.push(chunk.subarray(start, end));
    this.#fieldLength += end - start;
    if (this.#fieldLength > this.#options.maxLineLength) {
      for (const line of this.#field) this.#output.put(line);
      this.#field = [];
    }
  }

  /** The field is complete: what becomes of it goes out before anything that follows. */
  #endField(): void {
    const [first] = this.#field;
    if (first === undefined) return;
    const field = this.#field.length === 1 ? first : Buffer.concat(this.#field);
    this.#field = [];
    const rewritten = this.#options.rewriter?.rewrite(field);
    if (rewritten instanceof Promise) this.#output.putLater(rewritten.then((octets) => octets ?? field));
    else this.#output.put(rewritten ?? field);
  }

  #takeLine(chunk: Buffer, start: number, end: number): void {
    const first = chunk[start] as number;
    const isFirstLine = this.#isFirstLine;
    this.#isFirstLine = false;
    if (isBlank(first)) {
      if (isFirstLine) this.#endHeader(chunk, start, true);
      else if (this.#isDropping) this.#drop(chunk, start, end);
      else if (this.#field.length > 0) this.#hold(chunk, start, end);
      else if (this.#noting !== undefined) this.#note(this.#noting, chunk.toString('latin1', start, end));
      return;
    }
    this.#noting = undefined;
    this.#endField();
    if (first === CR && end - start === 2) {
      this.#endHeader(chunk, start, false);
      return;
    }
    const colon = chunk.indexOf(COLON, start);
    const nameEnd = colon === -1 || colon >= end ? -1 : fieldNameEnd(chunk, start, colon);
    this.#isDropping = false;
    if (nameEnd !== -1) {
      if (nameEnd - start <= maxNameLength) this.#noteField(chunk, start, nameEnd, colon, end);
      if (this.#isDropping) this.#drop(chunk, start, end);
    } else if (isFirstLine && isMailboxLine(chunk.toString('latin1', start, Math.min(end, start + 32)))) {
      // The separator of mbox files, left by a careless program: Postfix keeps it under a header name.
      this.#output.put(Buffer.from('X-Mailbox-Line: '));
    } else {
      this.#endHeader(chunk, start, true);
    }
  }

  #drop(chunk: Buffer, start: number, end: number): void {
    this.#pass(chunk, start);
    this.#passedTo = end;
  }

  #noteField(chunk: Buffer, start: number, nameEnd: number, colon: number, end: number): void {
    const name = chunk.toString('latin1', start, nameEnd).toLowerCase();
    if (name === 'received') this.#receivedCount++;
    this.#isDropping = this.#options.droppedHeaders.has(name);
    if (!this.#isDropping && this.#options.rewriter?.concerns(name)) {
      this.#fieldLength = 0;
      this.#hold(chunk, start, end);
    }
    if (!notedFields.has(name)) return;
    if ((name === 'message-id' || name === 'subject') && !this.#fields.has(name)) {
      this.#noting = name === 'subject' ? 'subject' : 'messageId';
      this.#note(this.#noting, chunk.toString('latin1', colon + 1, end));
    }
    this.#fields.add(name);
  }

  #note(field: 'messageId' | 'subject', text: string): void {
    const before = this.#noted[field];
    if (before.length >= maxNotedLength) return;
    this.#noted[field] = `${before} ${text.trim()}`.trim().slice(0, maxNotedLength);
  }

  #endHeader(chunk: Buffer, lineStart: number, needsEmptyLine: boolean): void {
    this.#isInHeader = false;
    this.#endField();
    const added = this.#options.onHeaderEnd({ fields: this.#fields, ...this.#noted });
    this.#pass(chunk, lineStart);
    const text = needsEmptyLine ? `${added}\r\n` : added;
    if (text !== '') this.#output.put(Buffer.from(text, 'utf8'));
  }

  /** A line beyond the limit: no header field of a message that anybody needs. */
  #giveUp(): void {
    const held = this.#held;
    this.#held = empty;
    this.#passedTo = 0;
    const isDropped = this.#isDropping && isBlank(held[0]);
    this.#endHeader(held, 0, false);
    if (!isDropped) this.#pass(held, held.length);
  }
}

function isBlank(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB;
}

/** Where the name before `colon` ends (blanks may stand between), or -1 where it is no field name (RFC 5322 §2.2). */
function fieldNameEnd(chunk: Buffer, start: number, colon: number): number {
  let end = colon;
  while (end > start && isBlank(chunk[end - 1])) end--;
  for (let index = start; index < end; index++) {
    const octet = chunk[index] as number;
    if (octet <= SPACE || octet === 0x7f) return -1;
  }
  return end > start ? end : -1;
}

function isMailboxLine(text: string): boolean {
  return /^>*From /.test(text);
}
