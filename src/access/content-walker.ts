// Walks through a message as header_checks and body_checks see it (Postfix header_checks(5)): header fields of the
// message, of its MIME parts and of messages within it, each whole with its continuation lines, and body lines. One pass,
// with memory for one field, one line and the open boundaries. What is said of a field or a line goes out in its place.
//
// Bounded: a field is looked at up to header_size_limit octets and passed on beyond, a body line in pieces of
// line_length_limit, boundaries up to mime_nesting_limit levels (beyond: `isTooDeep`, and all below is body).

import { parseParameterizedValue } from '../message/parameters.ts';
import { parameterValue } from '../message/part.ts';

export type ContentClass = 'header' | 'mime' | 'nested' | 'body';

export interface WalkerOptions {
  readonly maxField: number;
  readonly maxLine: number;
  readonly maxNesting: number;
  readonly maxBoundary: number;
  /** disable_mime_input_processing: behind the message's header all is body. */
  readonly isFlat: boolean;
  /** Judges a field or a line, without its last line end: what goes out in its place, or undefined for itself. */
  judge(kind: ContentClass, text: string): Promise<string | undefined> | undefined;
  emit(octets: Buffer): void;
}

type Kind = 'other' | 'multipart' | 'message';

export class ContentWalker {
  readonly #options: WalkerOptions;
  readonly #boundaries: { readonly text: string; readonly isDigest: boolean }[] = [];
  #held = '';
  /** The current field's lines, with their line ends. */
  #field = '';
  /** A field beyond its limit: its further lines pass. */
  #isPassing = false;
  #state: 'header' | 'mime' | 'nested' | 'body' = 'header';
  #kind: Kind = 'other';
  #isEncoded = false;
  #boundary: string | undefined;
  #isDigest = false;
  /** The rest of a line that was longer than maxLine. */
  #isContinued = false;
  isTooDeep = false;

  constructor(options: WalkerOptions) {
    this.#options = options;
  }

  async write(octets: Buffer): Promise<void> {
    const text = this.#held + octets.toString('latin1');
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      await this.#pieces(text.slice(start, end + 1));
      start = end + 1;
    }
    while (text.length - start > this.#options.maxLine && !this.#isInField(text, start)) {
      await this.#line(text.slice(start, start + this.#options.maxLine), false);
      start += this.#options.maxLine;
    }
    this.#held = text.slice(start);
    // A line of a field that has no end: it will be looked at as far as fields are.
    if (this.#held.length > this.#options.maxField) await this.#flushHeld();
  }

  /** The end of the message, or of our own fields in front of it. */
  async finish(): Promise<void> {
    await this.#flushHeld();
    await this.#endField();
  }

  async #flushHeld(): Promise<void> {
    const held = this.#held;
    this.#held = '';
    if (held !== '') await this.#line(held, false);
  }

  /** In a header a line is one whatever its length. */
  #isInField(text: string, start: number): boolean {
    return this.#state !== 'body' && !this.#isContinued && text.length - start <= this.#options.maxField;
  }

  async #pieces(line: string): Promise<void> {
    const { maxLine } = this.#options;
    let rest = line;
    while (this.#state === 'body' && rest.length > maxLine + 2) {
      await this.#line(rest.slice(0, maxLine), false);
      rest = rest.slice(maxLine);
    }
    await this.#line(rest, true);
  }

  /** `ends` where the line end is there. */
  async #line(line: string, ends: boolean): Promise<void> {
    const isContinued = this.#isContinued;
    this.#isContinued = !ends;
    const text = line.replace(/\r?\n$/, '');
    if (isContinued && this.#state !== 'body') {
      if (this.#isPassing) this.#put(line);
      else await this.#append(line);
      return;
    }
    if (this.#state !== 'body') {
      if (await this.#takesHeader(line, text)) return;
      this.#state = 'body';
    }
    if (!isContinued) this.#meetBoundary(text);
    await this.#out('body', line, text);
  }

  /** False where the header is over and the line is of the body. */
  async #takesHeader(line: string, text: string): Promise<boolean> {
    if (/^[ \t]/.test(text) && (this.#field !== '' || this.#isPassing)) {
      if (this.#isPassing) this.#put(line);
      else await this.#append(line);
      return true;
    }
    await this.#endField();
    if (/^[!-9;-~]+[ \t]*:/.test(text)) {
      await this.#append(line);
      return true;
    }
    this.#endHeader(text === '');
    if (text !== '') return false;
    this.#put(line);
    return true;
  }

  /** What is longer than its limit is judged by its beginning, and the rest passes. */
  async #append(line: string): Promise<void> {
    this.#field += line;
    if (this.#field.length <= this.#options.maxField) return;
    await this.#endField();
    this.#isPassing = true;
  }

  async #endField(): Promise<void> {
    const field = this.#field;
    this.#field = '';
    this.#isPassing = false;
    if (field === '') return;
    const kind = this.#state === 'body' ? 'header' : this.#state;
    const shown = field
      .slice(0, this.#options.maxField)
      .replace(/\r?\n$/, '')
      .replaceAll('\r\n', '\n');
    this.#noteField(shown);
    await this.#out(kind, field, shown);
  }

  #noteField(field: string): void {
    const match = /^content-(type|transfer-encoding)[ \t]*:(.*)$/is.exec(field);
    if (match === null || this.#options.isFlat) return;
    const value = (match[2] ?? '').replace(/\n/g, ' ');
    if (match[1]?.toLowerCase() === 'transfer-encoding') {
      this.#isEncoded = /^\s*(?:base64|quoted-printable)\b/i.test(value);
      return;
    }
    const parsed = parseParameterizedValue(value);
    const type = parsed?.value.toLowerCase() ?? '';
    this.#kind = type.startsWith('multipart/')
      ? 'multipart'
      : /^message\/(?:rfc822|global|news)$/.test(type)
        ? 'message'
        : 'other';
    this.#isDigest = type === 'multipart/digest';
    this.#boundary = parsed === undefined ? undefined : parameterValue(parsed.parameters, 'boundary');
  }

  #endHeader(hasEmptyLine: boolean): void {
    const { maxNesting, maxBoundary, isFlat } = this.#options;
    const [kind, boundary] = [this.#kind, this.#boundary];
    this.#state = 'body';
    this.#kind = 'other';
    this.#boundary = undefined;
    if (isFlat) return;
    if (kind === 'multipart' && boundary !== undefined && boundary !== '') {
      if (this.#boundaries.length >= maxNesting) this.isTooDeep = true;
      else this.#boundaries.push({ text: boundary.slice(0, maxBoundary), isDigest: this.#isDigest });
    } else if (kind === 'message' && hasEmptyLine && !this.#isEncoded) {
      this.#state = 'nested';
    }
    this.#isEncoded = false;
  }

  #meetBoundary(text: string): void {
    if (!text.startsWith('--') || this.#boundaries.length === 0) return;
    const index = this.#boundaries.findLastIndex((one) => text.startsWith(one.text, 2));
    const boundary = this.#boundaries[index];
    if (boundary === undefined) return;
    const isLast = text.startsWith('--', 2 + boundary.text.length);
    this.#boundaries.length = isLast ? index : index + 1;
    this.#state = isLast ? 'body' : 'mime';
    this.#kind = boundary.isDigest && !isLast ? 'message' : 'other';
    this.#isEncoded = false;
    this.#boundary = undefined;
  }

  async #out(kind: ContentClass, line: string, text: string): Promise<void> {
    const judged = this.#options.judge(kind, text);
    const replacement = judged === undefined ? undefined : await judged;
    this.#put(replacement ?? line);
  }

  #put(text: string): void {
    if (text !== '') this.#options.emit(Buffer.from(text, 'latin1'));
  }
}
