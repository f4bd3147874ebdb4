// A message as it leaves: its first part is read once and kept, for all who look at the header and for the server that
// gets it; addresses in its fields become what the generic maps say. What follows is read when it is sent.

import { headerLength } from '../bounce/header-end.ts';
import type { ContentReader } from '../mailstore/types.ts';
import type { GenericMaps } from '../routing/generic-maps.ts';
import type { Body } from '../smtp-client/types.ts';

/** Enough for any header that is understood (header_size_limit's default). */
const firstBytes = 102_400;
const fieldStart = /^[!-9;-~]+[ \t]*:/;
const eightBitField = /^content-transfer-encoding[ \t]*:[ \t\r\n]*8bit\b/im;
const lf = 10;

export class LeavingMessage implements Body {
  readonly #content: ContentReader;
  #start: Buffer;
  /** Where the content goes on behind `#start`. */
  readonly #startEnd: number;
  #headerLength: number;

  static async open(content: ContentReader): Promise<LeavingMessage> {
    const end = Math.min(content.size, firstBytes);
    const octets = await content.read(0, end);
    return new LeavingMessage(content, Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength));
  }

  private constructor(content: ContentReader, start: Buffer) {
    this.#content = content;
    this.#start = start;
    this.#startEnd = start.length;
    this.#headerLength = headerLength(start);
  }

  get size(): number {
    return this.#start.length + this.#content.size - this.#startEnd;
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    const split = this.#start.length;
    if (to <= split) return this.#start.subarray(from, to);
    const shift = this.#startEnd - split;
    if (from >= split) return await this.#content.read(from + shift, to + shift);
    const rest = await this.#content.read(this.#startEnd, to + shift);
    return Buffer.concat([this.#start.subarray(from), rest]);
  }

  /** The header holds octets beyond ASCII. */
  get hasEightBitHeader(): boolean {
    return this.#header.some((octet) => octet > 127);
  }

  /** The header says that the body is 8-bit mail (detect_8bit_encoding_header). */
  get saysEightBit(): boolean {
    return eightBitField.test(this.#header.toString('latin1'));
  }

  get #header(): Buffer {
    return this.#start.subarray(0, this.#headerLength);
  }

  /** Throws TemporaryError. */
  async rewriteHeader(generic: GenericMaps): Promise<void> {
    const header = this.#header;
    const pieces: Buffer[] = [];
    for (let at = 0; at < header.length; ) {
      const end = fieldEnd(header, at);
      const field = header.subarray(at, end);
      const isField = fieldStart.test(field.toString('latin1', 0, Math.min(field.length, 1000)));
      pieces.push((isField ? await generic.rewriteField(field) : undefined) ?? field);
      at = end;
    }
    const rewritten = Buffer.concat(pieces);
    this.#start = Buffer.concat([rewritten, this.#start.subarray(header.length)]);
    this.#headerLength = rewritten.length;
  }
}

/** Behind the last line of the field that begins at `start`. */
function fieldEnd(header: Buffer, start: number): number {
  for (let at = start; ; ) {
    const end = header.indexOf(lf, at);
    if (end < 0) return header.length;
    const next = header[end + 1];
    if (next !== 32 && next !== 9) return end + 1;
    at = end + 1;
  }
}
