// Finds the end of a message of a client that may end its lines with a bare LF (smtpd_forbid_bare_newline_exclusions):
// programs on trusted machines that never learned of CR LF. They are taken at their word only where they are
// consistent: the first line of the message says whether LF ends lines here. A message that begins with CR LF, as
// every relay's does, is read strictly, so that nobody can hide a second message in one that a trusted relay passes on
// ("SMTP smuggling"). What is stored has CR LF.

import { DotReader, type SliceSink } from './dot-reader.ts';

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const crlf = Buffer.from('\r\n');
const lf = Buffer.from('\n');
const cr = Buffer.from('\r');

/** A first line longer than this is nobody's who ends lines with LF. */
const maxFirstLine = 4096;

export class TolerantDotReader {
  readonly #emit: SliceSink;
  #held: Buffer = Buffer.alloc(0);
  #reader: { read(chunk: Buffer, from: number): number } | undefined;

  constructor(emit: SliceSink) {
    this.#emit = emit;
  }

  /** Whatever ends lines here is as it should be. */
  get bareLineFeeds(): number {
    return 0;
  }

  /** Takes the octets of `chunk` from `from`; returns the place just behind the end of the message, or -1. */
  read(chunk: Buffer, from: number): number {
    if (this.#reader !== undefined) return this.#reader.read(chunk, from);
    const before = this.#held.length;
    const all = Buffer.concat([this.#held, chunk.subarray(from)]);
    const lineFeed = all.indexOf(LF);
    if (lineFeed === -1 && all.length < maxFirstLine) {
      this.#held = all;
      return -1;
    }
    const isLong = lineFeed === -1 || lineFeed >= maxFirstLine;
    const isStrict = isLong || (lineFeed > 0 && all[lineFeed - 1] === CR);
    this.#reader = isStrict ? new DotReader(this.#emit, true) : new LineFeedReader(this.#emit);
    const end = this.#reader.read(all, 0);
    return end === -1 ? -1 : from + end - before;
  }
}

/** Every LF ends a line, with a CR before it or without. */
class LineFeedReader {
  readonly #emit: SliceSink;
  #state: 'line-start' | 'dot' | 'dot-cr' | 'middle' = 'line-start';
  #isAfterCr = false;

  constructor(emit: SliceSink) {
    this.#emit = emit;
  }

  read(chunk: Buffer, from: number): number {
    let position = from;
    while (position < chunk.length) {
      const octet = chunk[position];
      switch (this.#state) {
        case 'line-start':
          this.#state = octet === DOT ? 'dot' : 'middle';
          if (octet === DOT) position++;
          break;
        case 'dot':
          if (octet === LF) return position + 1;
          this.#state = octet === CR ? 'dot-cr' : 'middle';
          if (octet === CR) position++;
          break;
        case 'dot-cr':
          if (octet === LF) return position + 1;
          this.#emit(cr);
          this.#state = 'middle';
          break;
        case 'middle':
          position = this.#readLine(chunk, position);
          break;
      }
    }
    return -1;
  }

  #readLine(chunk: Buffer, from: number): number {
    const lineFeed = chunk.indexOf(LF, from);
    const end = lineFeed === -1 ? chunk.length : lineFeed;
    if (end > from) {
      this.#emit(chunk.subarray(from, end));
      this.#isAfterCr = chunk[end - 1] === CR;
    }
    if (lineFeed === -1) return end;
    this.#emit(this.#isAfterCr ? lf : crlf);
    this.#isAfterCr = false;
    this.#state = 'line-start';
    return lineFeed + 1;
  }
}
