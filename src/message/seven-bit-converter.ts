// Makes 7-bit mail of 8-bit mail while its octets pass by, as Postfix's smtp(8) does where the next server lacks 8BITMIME
// (RFC 6152 §3; mime_state(3) with MIME_OPT_DOWNGRADE): what says `Content-Transfer-Encoding: 8bit` or `binary` becomes
// quoted-printable (RFC 2045 §6.7), in each part of a multipart and in the messages that message/rfc822 holds; the field is
// dropped where it stood and written anew at the end of its header, as `7bit` for multipart and message, which may have no
// other (RFC 2045 §6.4). Octets that no header announces pass as they are.
//
// A line ends with CRLF; a CR or LF that stands alone counts as a space, as it is sent (BodyEncoder). Holds at most one
// line, one header field and the open boundaries, each bounded: memory does not grow with the message.

import { parseParameterizedValue } from './parameters.ts';

/** More multiparts within each other than allowed (mime_nesting_limit). */
export class NestingError extends Error {
  override name = 'NestingError';

  constructor() {
    super('MIME nesting exceeds safety limit');
  }
}

export interface ConverterLimits {
  /** mime_nesting_limit. */
  readonly nesting: number;
  /** mime_boundary_length_limit: longer boundaries are compared so far. */
  readonly boundaryLength: number;
  /** header_size_limit: what of a field is understood. */
  readonly headerLength: number;
}

interface Boundary {
  readonly text: string;
  /** Parts of multipart/digest are messages where they do not say otherwise (RFC 2046 §5.1.5). */
  readonly holdsMessages: boolean;
}

type Kind = 'message' | 'multipart' | 'other';

/** A longer line is taken in pieces (line_length_limit of Postfix). */
const maxLine = 2048;
const tab = 9;
const space = 32;
const crlf = '\r\n';
const eightBit = new Set(['8bit', 'binary']);
const sevenBit = new Set(['7bit', 'base64', 'quoted-printable']);
/** A name of printable US-ASCII (RFC 5322 §3.6.8), blanks before the colon allowed. */
const fieldStart = /^[!-9;-~]+[ \t]*:/;
/** A line of output that is longer is broken before the next octet (RFC 2045 §6.7 allows 76 with the `=`). */
const softBreak = 72;

const encoded: readonly string[] = Array.from({ length: 256 }, (_, octet) => {
  const isPlain = octet === tab || (octet >= space && octet <= 126 && octet !== 61);
  return isPlain ? String.fromCharCode(octet) : escaped(octet);
});

export class SevenBitConverter {
  readonly #limits: ConverterLimits;
  readonly #boundaries: Boundary[] = [];
  #output: string[] = [];
  /** The piece of a line that is not complete yet. */
  #held = '';
  #inHeader = true;
  #isPrimary = true;
  /** The field that may still go on, with its line ends; once it is too long, only whether its rest is wanted. */
  #field = '';
  #fieldState: 'none' | 'open' | 'passing' | 'dropping' = 'none';
  /** The last piece did not end its line. */
  #isInLine = false;
  #kind: Kind = 'other';
  #holdsMessage = false;
  #isEightBit = false;
  #encodedLine = '';

  constructor(limits: ConverterLimits) {
    this.#limits = limits;
  }

  /** Throws NestingError. */
  write(chunk: Uint8Array): Buffer {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#hasNothingToDo) return bytes;
    const text = this.#held + bytes.toString('latin1');
    let start = 0;
    for (;;) {
      const end = text.indexOf(crlf, start);
      // A CR at the end may be half a line end.
      const stop = end < 0 ? text.length - (text.endsWith('\r') ? 1 : 0) : end;
      while (stop - start > maxLine) {
        this.#piece(text.slice(start, start + maxLine), '', false);
        start += maxLine;
      }
      if (end < 0) break;
      this.#piece(text.slice(start, end), crlf, true);
      start = end + 2;
    }
    this.#held = text.slice(start);
    if (this.#hasNothingToDo) {
      this.#output.push(this.#held);
      this.#held = '';
    }
    return this.#take();
  }

  /** What is left; a last line without end stays without. */
  end(): Buffer {
    if (this.#held !== '') this.#piece(this.#held, '', true);
    this.#held = '';
    if (this.#inHeader) this.#endHeader();
    return this.#take();
  }

  /** A body that is 7-bit, or of which no header says that it is not: the rest passes. */
  get #hasNothingToDo(): boolean {
    return !this.#inHeader && !this.#isEightBit && this.#boundaries.length === 0 && this.#held === '';
  }

  #take(): Buffer {
    const output = this.#output.join('');
    this.#output = [];
    return Buffer.from(output, 'latin1');
  }

  #piece(raw: string, lineEnd: string, endsLine: boolean): void {
    const text = raw.includes('\r') || raw.includes('\n') ? raw.replace(/[\r\n]/g, ' ') : raw;
    const continues = this.#isInLine;
    this.#isInLine = !endsLine;
    if (this.#inHeader && this.#takesHeader(text, lineEnd, continues)) return;
    if (!continues) this.#meetBoundary(text);
    if (this.#isEightBit && !this.#inHeader) this.#encode(text, lineEnd, endsLine);
    else this.#output.push(text, lineEnd);
  }

  /** True where the piece belongs to the header or is the empty line behind it. */
  #takesHeader(text: string, lineEnd: string, continues: boolean): boolean {
    if (this.#fieldState !== 'none') {
      if (continues || text.startsWith(' ') || text.startsWith('\t')) {
        this.#addToField(text + lineEnd);
        return true;
      }
      this.#endField();
    }
    if (fieldStart.test(text)) {
      this.#fieldState = 'open';
      this.#addToField(text + lineEnd);
      return true;
    }
    this.#endHeader();
    this.#inHeader = false;
    if (text !== '') {
      // A line that is no field ends the header and is body. The message's own header gets the empty line that it lacks.
      if (this.#isPrimary) this.#output.push(crlf);
      this.#isPrimary = false;
      return false;
    }
    this.#isPrimary = false;
    if (this.#kind === 'message' && this.#holdsMessage) this.#beginHeader('other');
    else if (this.#kind === 'multipart') this.#isEightBit = false;
    this.#output.push(lineEnd);
    return true;
  }

  #addToField(text: string): void {
    if (this.#fieldState === 'passing') this.#output.push(text);
    if (this.#fieldState !== 'open') return;
    this.#field += text;
    if (this.#field.length > this.#limits.headerLength) this.#fieldState = this.#readField() ? 'passing' : 'dropping';
  }

  #endField(): void {
    if (this.#fieldState === 'open') this.#readField();
    this.#fieldState = 'none';
  }

  /** Sends the field on; false where it is dropped. */
  #readField(): boolean {
    const field = this.#field;
    this.#field = '';
    const colon = field.indexOf(':');
    const name = field.slice(0, colon).trimEnd().toLowerCase();
    if (name === 'content-type') this.#readType(field.slice(colon + 1));
    if (name === 'content-transfer-encoding') {
      this.#readEncoding(field.slice(colon + 1));
      if (this.#isEightBit) return false;
    }
    this.#output.push(field);
    return true;
  }

  #readType(text: string): void {
    const parsed = parseParameterizedValue(text);
    const [type = '', subtype = ''] = (parsed?.value ?? '').toLowerCase().split('/');
    // message/global may be encoded (RFC 6532 §3.7): it is a part like any other.
    this.#kind = (type === 'message' && subtype !== 'global') || type === 'multipart' ? type : 'other';
    this.#holdsMessage = type === 'message' && subtype === 'rfc822';
    if (type !== 'multipart') return;
    for (const { name, value } of parsed?.parameters ?? []) {
      if (name.toLowerCase() !== 'boundary' || value === '') continue;
      this.#boundaries.push({
        text: value.slice(0, this.#limits.boundaryLength),
        holdsMessages: subtype === 'digest',
      });
      // As mime_state(3) counts: with limit 1, four within each other are too many.
      if (this.#boundaries.length > this.#limits.nesting + 2) throw new NestingError();
    }
  }

  #readEncoding(text: string): void {
    const word = parseParameterizedValue(text)?.value.toLowerCase() ?? '';
    if (eightBit.has(word)) this.#isEightBit = true;
    else if (sevenBit.has(word)) this.#isEightBit = false;
  }

  #beginHeader(kind: Kind): void {
    this.#inHeader = true;
    this.#kind = kind;
    this.#holdsMessage = kind === 'message';
    this.#isEightBit = false;
  }

  /** The place for the encoding that the body gets. */
  #endHeader(): void {
    this.#endField();
    if (!this.#isEightBit) return;
    const encoding = this.#kind === 'other' ? 'quoted-printable' : '7bit';
    this.#output.push(`Content-Transfer-Encoding: ${encoding}${crlf}`);
  }

  /** A line of a body that begins as an open boundary does: a new part, or the end of a multipart (RFC 2046 §5.1.1). */
  #meetBoundary(line: string): void {
    if (this.#boundaries.length === 0 || !line.startsWith('--')) return;
    const depth = this.#boundaries.findLastIndex(({ text }) => line.startsWith(text, 2));
    const boundary = this.#boundaries[depth];
    if (!boundary) return;
    const isLast = line.startsWith('--', 2 + boundary.text.length);
    this.#boundaries.length = isLast ? depth : depth + 1;
    if (!isLast) return this.#beginHeader(boundary.holdsMessages ? 'message' : 'other');
    this.#isEightBit = false;
    this.#kind = 'other';
  }

  #encode(text: string, lineEnd: string, endsLine: boolean): void {
    let line = this.#encodedLine;
    for (let at = 0; at < text.length; at++) {
      if (line.length > softBreak) {
        this.#output.push(line, `=${crlf}`);
        line = '';
      }
      line += encoded[text.charCodeAt(at)];
    }
    this.#encodedLine = endsLine ? '' : line;
    if (!endsLine) return;
    const last = line.charCodeAt(line.length - 1);
    if (last === tab || last === space) line = line.slice(0, -1) + escaped(last);
    this.#output.push(line, lineEnd);
  }
}

function escaped(octet: number): string {
  return `=${octet.toString(16).toUpperCase().padStart(2, '0')}`;
}
