// A message between its arrival and the queue, as filters see and change it. Its header is in memory, in fields; its body
// is read from the store in pieces, whatever its size, and a body that a filter puts in its place is written to the store.
//
// The rules are those of Postfix's cleanup(8), which are Sendmail's: our own Received: field, the first as the message comes,
// is not shown to filters, and no change touches it. Insertions count all fields, so that 0 is above it.
// A field that does not exist is added at the end. A changed field has the filter's name, value and folding; a line of it
// that does not begin with a blank gets a tab.

import type { ContentReader, ContentWriter } from '../mailstore/types.ts';
import { LineEnds } from '../message/line-ends.ts';
import { type EnvelopeEdits, noEnvelopeEdits, readAddress } from './envelope-edits.ts';

export interface NewField {
  readonly name: string;
  /** Between the colon and the value. */
  readonly space: string;
  readonly value: Buffer;
}

export interface EditableMessageOptions {
  readonly reader: ContentReader;
  readonly newWriter: () => ContentWriter;
  /** header_size_limit: what is longer of a field that a filter gives is cut. */
  readonly headerSizeLimit: number;
  /** message_size_limit; 0: none. */
  readonly sizeLimit: number;
  readonly warn: (text: string) => void;
  /** milter_header_checks: gives the field to put, or undefined to put none. Throws TemporaryError. */
  readonly checkField?: ((field: string) => Promise<string | undefined>) | undefined;
}

/** The header is more than any message needs, or the filter has made the message too large (552 5.3.4). */
export class MessageTooLargeError extends Error {
  override name = 'MessageTooLargeError';
}

/** Of a header that is shown to filters; what comes over it is an attack. */
const maxHeaderBytes = 4 * 1024 * 1024;
/** A longer line is no header's. */
const maxLineBytes = 256 * 1024;
const readBytes = 256 * 1024;
const crlf = Buffer.from('\r\n');

export class EditableMessage {
  readonly #options: EditableMessageOptions;
  /** Whole fields, each with its line ends. */
  readonly #fields: Buffer[] = [];
  #own: Buffer | undefined;
  #headerBytes = 0;
  #bodyStart = 0;
  #hasSeparator = false;
  #isHeaderChanged = false;
  #body: ContentReader;
  #replacement: ContentWriter | undefined;
  #replacementEnds = new LineEnds();
  #lastOctet = 10;
  #isReplaced = false;
  readonly #writers: ContentWriter[] = [];
  readonly #readers: ContentReader[] = [];
  readonly envelope: EnvelopeEdits = noEnvelopeEdits();
  /** What kept an order from being carried out: a full disk, a table, a limit. */
  failure: unknown;

  private constructor(options: EditableMessageOptions) {
    this.#options = options;
    this.#body = options.reader;
  }

  static async open(options: EditableMessageOptions): Promise<EditableMessage> {
    const message = new EditableMessage(options);
    await message.#readHeader();
    return message;
  }

  async #readHeader(): Promise<void> {
    const { reader } = this.#options;
    let bytes: Buffer = Buffer.alloc(0);
    let start = 0;
    let fieldStart = 0;
    for (;;) {
      let end = bytes.indexOf(10, start);
      while (end === -1 && bytes.length < reader.size && bytes.length - start < maxLineBytes) {
        const searched = bytes.length;
        bytes = Buffer.concat([bytes, await reader.read(searched, searched + readBytes)]);
        end = bytes.indexOf(10, searched);
      }
      const isLine = end !== -1 || bytes.length === reader.size;
      const lineEnd = end === -1 ? bytes.length : end + 1;
      const kind = isLine && start < lineEnd ? lineKind(bytes, start, lineEnd) : 'end';
      if (kind === 'field') fieldStart = start;
      else if (kind === 'continuation' && this.#fields.length > 0) this.#fields.pop();
      else {
        this.#hasSeparator = kind === 'empty';
        this.#bodyStart = kind === 'empty' ? lineEnd : start;
        this.#headerBytes = start;
        [this.#own] = this.#fields;
        return;
      }
      if (lineEnd > maxHeaderBytes) throw new MessageTooLargeError('header too large');
      this.#fields.push(bytes.subarray(fieldStart, lineEnd));
      start = lineEnd;
    }
  }

  /** The fields that filters see: name, and what follows the colon with line feeds between lines. */
  *fields(): Generator<{ readonly name: string; readonly value: string }> {
    for (const field of this.#fields) {
      if (field === this.#own) continue;
      const text = field
        .toString('latin1')
        .replace(/\r?\n$/, '')
        .replace(/\r\n/g, '\n');
      const colon = text.indexOf(':');
      yield { name: text.slice(0, colon).trimEnd(), value: text.slice(colon + 1) };
    }
  }

  /** The body in pieces of at most `bytes` octets. */
  async *body(bytes: number): AsyncGenerator<Buffer> {
    const reader = this.#body;
    for (let at = this.#bodyStart; at < reader.size; at += bytes) {
      const piece = await reader.read(at, Math.min(reader.size, at + bytes));
      yield Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    }
  }

  // ---- orders of filters

  addHeader(field: NewField): Promise<void> {
    return this.#put(field, this.#fields.length, 0);
  }

  /** 0: above all. */
  insertHeader(index: number, field: NewField): Promise<void> {
    return this.#put(field, Math.min(index, this.#fields.length), 0);
  }

  changeHeader(index: number, name: string, field: NewField): Promise<void> {
    const at = this.#find(index, name);
    return at === -1 ? this.addHeader(field) : this.#put(field, at, 1);
  }

  deleteHeader(index: number, name: string): void {
    const at = this.#find(index, name);
    if (at === -1) return;
    this.#fields.splice(at, 1);
    this.#isHeaderChanged = true;
  }

  async #put(field: NewField, at: number, replaced: number): Promise<void> {
    const { checkField, headerSizeLimit } = this.#options;
    let text = `${field.name}:${field.space}${field.value.toString('latin1')}`;
    if (checkField !== undefined) {
      const checked = await checkField(text);
      if (checked === undefined) return;
      text = checked;
    }
    const octets = foldedField(text, headerSizeLimit);
    this.#headerBytes += octets.length;
    if (this.#headerBytes > maxHeaderBytes) throw new MessageTooLargeError('header too large');
    this.#fields.splice(at, replaced, octets);
    this.#isHeaderChanged = true;
  }

  /** Place of the index-th field of this name that filters see, or -1. */
  #find(index: number, name: string): number {
    const wanted = name.toLowerCase();
    let left = index;
    return this.#fields.findIndex((field) => {
      if (field === this.#own) return false;
      const its = field.toString('latin1', 0, field.indexOf(58)).trimEnd();
      return its.toLowerCase() === wanted && --left === 0;
    });
  }

  /** A body has been put in place by the filter that is heard now. */
  get hasReplacedBody(): boolean {
    return this.#isReplaced && this.#replacement === undefined;
  }

  async replaceBody(piece: Buffer): Promise<void> {
    if (this.#replacement === undefined) {
      this.#replacement = this.#options.newWriter();
      this.#writers.push(this.#replacement);
      this.#replacementEnds = new LineEnds();
      this.#lastOctet = 10;
      this.#isReplaced = true;
    }
    if (piece.length === 0) return;
    const { sizeLimit } = this.#options;
    if (sizeLimit > 0 && this.#replacement.size + piece.length > sizeLimit) {
      throw new MessageTooLargeError('the body that a filter gives is too large');
    }
    this.#lastOctet = piece[piece.length - 1] as number;
    await this.#replacement.write(this.#replacementEnds.encode(Buffer.from(piece)));
  }

  /** The filter orders something else, or has come to its answer. */
  async endReplacement(): Promise<void> {
    const writer = this.#replacement;
    if (writer === undefined) return;
    this.#replacement = undefined;
    if (this.#lastOctet !== 10) await writer.write(crlf);
    this.#body = await writer.reread();
    this.#readers.push(this.#body);
    this.#bodyStart = 0;
    this.#hasSeparator = true;
  }

  /** The next filter may replace the body anew. */
  endFilter(): void {
    this.#isReplaced = false;
  }

  /** RET and ENVID count (RFC 3461 §4.3, §4.4). */
  changeSender(address: string, parameters: string): void {
    const { envelope } = this;
    envelope.sender = readAddress(address);
    for (const word of wordsOf(parameters)) {
      const ret = /^RET=(FULL|HDRS)$/i.exec(word)?.[1];
      const envid = /^ENVID=([!-*,-<>-~+]{1,100})$/i.exec(word)?.[1];
      if (ret !== undefined) envelope.ret = ret.toUpperCase();
      if (envid !== undefined) envelope.envid = envid;
    }
  }

  /** NOTIFY and ORCPT count (RFC 3461 §4.1, §4.2). */
  addRecipient(address: string, parameters: string): void {
    const recipient = readAddress(address);
    let notify = '';
    let orcpt = '';
    for (const word of wordsOf(parameters)) {
      const value = word.slice(word.indexOf('=') + 1);
      if (/^NOTIFY=/i.test(word) && notifyWords.test(value)) notify = value.toUpperCase();
      else if (/^ORCPT=[!-<>-~]{1,500}$/i.test(word) && value.includes(';')) orcpt = value;
      else {
        const shown = word.replace(/[^\x20-\x7e]/g, '?').slice(0, 100);
        this.#options.warn(`ignoring ESMTP argument from Milter or header/body_checks: "${shown}"`);
      }
    }
    if (recipient === '') this.#options.warn('ignoring attempt from Milter to add null recipient');
    else this.envelope.recipients.push({ order: 'add', address: recipient, notify, orcpt });
  }

  deleteRecipient(address: string): void {
    this.envelope.recipients.push({ order: 'delete', address: readAddress(address) });
  }

  // ---- afterwards

  get isChanged(): boolean {
    return this.#isHeaderChanged || this.#body !== this.#options.reader;
  }

  /** Whether one of its fields has octets beyond ASCII. */
  get hasEightBitHeader(): boolean {
    return this.#fields.some((field) => field.some((octet) => octet > 127));
  }

  /** Writes what the message has become. */
  async writeTo(writer: ContentWriter): Promise<void> {
    await writer.write(Buffer.concat([...this.#fields, ...(this.#hasSeparator ? [crlf] : [])]));
    for await (const piece of this.body(readBytes)) await writer.write(piece);
  }

  /** Gives back what was only in between. */
  async close(): Promise<void> {
    for (const reader of this.#readers) await reader.close();
    for (const writer of this.#writers) await writer.abort();
  }
}

const notifyWords = /^(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2})$/i;

function wordsOf(parameters: string): string[] {
  return parameters.split(/[ \t]+/).filter((word) => word !== '');
}

function lineKind(bytes: Buffer, start: number, end: number): 'field' | 'continuation' | 'empty' | 'end' {
  const first = bytes[start] as number;
  if (first === 32 || first === 9) return 'continuation';
  if (first === 10 || (first === 13 && end - start === 2)) return 'empty';
  // Up to the colon: as is_header(3), which lets blanks stand before it.
  for (let at = start; at < end; at++) {
    const octet = bytes[at] as number;
    if (octet === 58) return at > start ? 'field' : 'end';
    if ((octet <= 32 && octet !== 32 && octet !== 9) || octet === 127) return 'end';
    if (octet === 32 || octet === 9) {
      while (bytes[at + 1] === 32 || bytes[at + 1] === 9) at++;
      return bytes[at + 1] === 58 ? 'field' : 'end';
    }
  }
  return 'end';
}

/** A character an octet; lines that do not begin with a blank get a tab; cut at the limit. */
function foldedField(text: string, limit: number): Buffer {
  const cut = limit > 0 ? text.slice(0, limit) : text;
  const [first = '', ...lines] = cut.replace(/\r+(?=\n|$)/g, '').split('\n');
  const folded = lines.map((line) => (/^[ \t]/.test(line) ? line : `\t${line}`));
  return Buffer.from(`${[first, ...folded].join('\r\n')}\r\n`, 'latin1');
}
