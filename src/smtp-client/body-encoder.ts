// A message's bytes as DATA wants them (RFC 5321 §4.5.2): leading dots doubled, lines no longer than the limit
// (smtp_line_length_limit: a longer one goes on in the next line after a space), and only CRLF as line end.
// A CR or LF that stands alone is sent as a space, as Postfix's cleanup_replace_stray_cr_lf does: sent raw, the next
// server may take it for a line end, and then the sender decides where this message ends (SMTP smuggling).
// Works on chunks of any cut; what needs no change is not copied piece by piece.

const cr = 13;
const lf = 10;
const dot = 46;
const crlf = Buffer.from('\r\n');
const space = Buffer.from(' ');
const dotBytes = Buffer.from('.');
const fold = Buffer.from('\r\n ');
const endOfData = Buffer.from('.\r\n');

export class BodyEncoder {
  readonly #limit: number;
  /** Octets already sent of the current line. */
  #column = 0;
  /** The last chunk ended with a CR; the next octet tells what it was. */
  #pendingCr = false;

  /** `lineLimit` 0: lines are never broken. */
  constructor(lineLimit: number) {
    this.#limit = lineLimit > 0 ? lineLimit : Number.POSITIVE_INFINITY;
  }

  encode(input: Uint8Array): Buffer {
    const chunk = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
    if (chunk.length === 0) return chunk;
    const pieces: Buffer[] = [];
    let run = this.#resolvePendingCr(chunk, pieces);
    let position = run;
    let nextCr = -2;
    let nextLf = -2;
    while (position < chunk.length) {
      if (this.#column === 0 && chunk[position] === dot) {
        pieces.push(chunk.subarray(run, position), dotBytes);
        run = position;
      }
      nextCr = next(chunk, cr, position, nextCr);
      nextLf = next(chunk, lf, position, nextLf);
      const stop = Math.min(nextCr, nextLf);
      while (this.#column + stop - position > this.#limit) {
        position += this.#limit - this.#column;
        pieces.push(chunk.subarray(run, position), fold);
        run = position;
        this.#column = 1;
      }
      this.#column += stop - position;
      position = stop;
      if (position === chunk.length) break;
      if (position === nextCr && chunk[position + 1] === lf) {
        this.#column = 0;
        position += 2;
      } else {
        pieces.push(chunk.subarray(run, position));
        if (position === nextCr && position + 1 === chunk.length) this.#pendingCr = true;
        else this.#pushSpace(pieces);
        run = ++position;
      }
    }
    if (pieces.length === 0) return chunk;
    pieces.push(chunk.subarray(run));
    return Buffer.concat(pieces);
  }

  /** What ends the message: the last line's end where it is missing, and the final dot. */
  finish(): Buffer {
    const pieces: Buffer[] = [];
    if (this.#pendingCr) this.#pushSpace(pieces);
    this.#pendingCr = false;
    if (this.#column > 0) pieces.push(crlf);
    this.#column = 0;
    pieces.push(endOfData);
    return Buffer.concat(pieces);
  }

  /** Returns how many octets of the chunk are done with. */
  #resolvePendingCr(chunk: Buffer, pieces: Buffer[]): number {
    if (!this.#pendingCr) return 0;
    this.#pendingCr = false;
    if (chunk[0] === lf) {
      pieces.push(crlf);
      this.#column = 0;
      return 1;
    }
    this.#pushSpace(pieces);
    return 0;
  }

  #pushSpace(pieces: Buffer[]): void {
    if (this.#column >= this.#limit) {
      pieces.push(fold);
      this.#column = 1;
    }
    pieces.push(space);
    this.#column++;
  }
}

/** Where `octet` stands next at or after `position`; the chunk's length if nowhere. `known` is the last answer. */
function next(chunk: Buffer, octet: number, position: number, known: number): number {
  if (known >= position) return known;
  const found = chunk.indexOf(octet, position);
  return found < 0 ? chunk.length : found;
}
