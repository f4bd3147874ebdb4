// A message in the form in which files and programs get it (Postfix's mail_copy()): lines end with LF or what else is
// asked for, and lines that begin with `From ` or a dot can be marked. Takes chunks as they come.

export interface StoredFormOptions {
  /** `>` before a line that begins with `From `, as in an mbox. */
  readonly quotesFrom?: boolean;
  /** One dot more before a line that begins with one, as in SMTP. */
  readonly doublesDots?: boolean;
  /** An empty line at the end, as in an mbox. */
  readonly endsEmpty?: boolean;
  readonly endOfLine?: string;
}

const from = 'From ';

export class StoredForm {
  readonly #options: StoredFormOptions;
  /** The end of the last chunk, which only the next one explains: CR, or the beginning of `From `. */
  #held = '';
  #isLineStart = true;

  constructor(options: StoredFormOptions = {}) {
    this.#options = options;
  }

  convert(chunk: Uint8Array): Buffer {
    // A character an octet.
    const text = this.#held + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    const hold = this.#lengthToHold(text);
    this.#held = hold === 0 ? '' : text.slice(-hold);
    return this.#emit(hold === 0 ? text : text.slice(0, -hold));
  }

  /** What is left, and the line ends that must stand at the end. */
  end(): Buffer {
    const rest = this.#emit(this.#held);
    this.#held = '';
    const { endOfLine = '\n', endsEmpty = false } = this.#options;
    const ending = (this.#isLineStart ? '' : endOfLine) + (endsEmpty ? endOfLine : '');
    return Buffer.concat([rest, Buffer.from(ending, 'latin1')]);
  }

  #lengthToHold(text: string): number {
    if (text.endsWith('\r')) return 1;
    if (this.#options.quotesFrom !== true) return 0;
    const lineEnd = text.lastIndexOf('\n');
    const line = text.slice(lineEnd + 1);
    const beginsLine = lineEnd !== -1 || this.#isLineStart;
    return beginsLine && line.length < from.length && from.startsWith(line) ? line.length : 0;
  }

  #emit(text: string): Buffer {
    if (text === '') return Buffer.alloc(0);
    const { quotesFrom = false, doublesDots = false, endOfLine = '\n' } = this.#options;
    let stored = text.replaceAll('\r\n', '\n');
    if (quotesFrom) stored = this.#mark(stored, from, '>');
    if (doublesDots) stored = this.#mark(stored, '.', '.');
    this.#isLineStart = stored.endsWith('\n');
    return Buffer.from(endOfLine === '\n' ? stored : stored.replaceAll('\n', endOfLine), 'latin1');
  }

  #mark(text: string, beginning: string, sign: string): string {
    const marked = text.replaceAll(`\n${beginning}`, `\n${sign}${beginning}`);
    return this.#isLineStart && marked.startsWith(beginning) ? sign + marked : marked;
  }
}
