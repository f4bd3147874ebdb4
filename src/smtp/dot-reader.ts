// Finds the end of a message after DATA and undoes dot-stuffing (RFC 5321 §4.5.2), on whatever pieces the
// network delivers, without copying and without a string.
//
// Only CR LF ends a line and only CR LF . CR LF ends a message. A server that also takes LF . LF, or CR LF . LF,
// can be fed a second message hidden in the first by a relay that does not ("SMTP smuggling"). A bare LF is
// counted, so that the caller can refuse the message; with `normalizeBareLineFeed` it becomes CR LF in the
// content, but what follows it is still no line start here: a dot there ends nothing and is kept.
// A bare CR is content.

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

/** What was seen last: decides what the next octet means. */
type State = 'line-start' | 'dot' | 'dot-cr' | 'middle' | 'cr';

const crlf = Buffer.from('\r\n');
const cr = Buffer.from('\r');

export type SliceSink = (slice: Buffer) => void;

export class DotReader {
  readonly #emit: SliceSink;
  readonly #normalize: boolean;
  // DATA's own CRLF came before: `.` CRLF at once is an empty message.
  #state: State = 'line-start';
  #bareLineFeeds = 0;

  constructor(emit: SliceSink, normalizeBareLineFeed = false) {
    this.#emit = emit;
    this.#normalize = normalizeBareLineFeed;
  }

  get bareLineFeeds(): number {
    return this.#bareLineFeeds;
  }

  /** Takes the octets of `chunk` from `from`; returns the place just behind the end of the message, or -1. */
  read(chunk: Buffer, from: number): number {
    const length = chunk.length;
    let position = from;
    while (position < length) {
      switch (this.#state) {
        case 'line-start':
          if (chunk[position] !== DOT) this.#state = 'middle';
          else {
            this.#state = 'dot';
            position++;
          }
          break;
        case 'dot':
          if (chunk[position] === CR) {
            this.#state = 'dot-cr';
            position++;
          } else this.#state = 'middle';
          break;
        case 'dot-cr':
          if (chunk[position] === LF) return position + 1;
          // `.` CR and something else: the dot was stuffing, the CR is content.
          this.#emit(cr);
          this.#state = 'middle';
          break;
        case 'middle':
        case 'cr':
          position = this.#readLines(chunk, position);
          break;
      }
    }
    return -1;
  }

  /** Emits whole stretches of content up to a line that begins with a dot, or up to the end of the chunk. */
  #readLines(chunk: Buffer, from: number): number {
    let start = from;
    let search = from;
    let isAfterCr = this.#state === 'cr';
    for (;;) {
      const lineFeed = chunk.indexOf(LF, search);
      if (lineFeed === -1) {
        const end = chunk.length;
        if (end > start) this.#emit(chunk.subarray(start, end));
        if (end > search) this.#state = chunk[end - 1] === CR ? 'cr' : 'middle';
        else this.#state = isAfterCr ? 'cr' : 'middle';
        return end;
      }
      const isLineEnd = lineFeed > search ? chunk[lineFeed - 1] === CR : isAfterCr;
      search = lineFeed + 1;
      isAfterCr = false;
      if (!isLineEnd) {
        this.#bareLineFeeds++;
        if (this.#normalize) {
          if (lineFeed > start) this.#emit(chunk.subarray(start, lineFeed));
          this.#emit(crlf);
          start = search;
        }
      } else if (search === chunk.length || chunk[search] === DOT) {
        this.#emit(chunk.subarray(start, search));
        this.#state = 'line-start';
        return search;
      }
    }
  }
}
