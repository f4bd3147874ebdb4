// Reads the arguments of one IMAP command (RFC 3501 §9) from left to right. The command is held as text with
// a character an octet; its literals stand where they were announced, so that one text is the whole command.
// Every method moves forward or throws ImapSyntaxError; nothing recurses.

import { ImapSyntaxError } from './syntax-error.ts';

/** A literal's announcement: `{12}`, `{12+}` (RFC 7888), `~{12}` (RFC 3516). */
export interface LiteralAnnouncement {
  readonly size: number;
  /** The client waits for a continuation request. */
  readonly synchronizing: boolean;
  /** literal8: may hold NUL. */
  readonly binary: boolean;
}

const maxNumberDigits = 15;

export class ArgumentReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** The next character, or '' at the end. */
  peek(): string {
    return this.#text.charAt(this.#at);
  }

  /** Takes `character` if it comes next. */
  skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  expect(character: string): void {
    if (!this.skip(character)) throw new ImapSyntaxError(`Expected '${character}'`);
  }

  /** One blank; further ones are forgiven. */
  space(): void {
    this.expect(' ');
    while (this.skip(' '));
  }

  /** True where another argument follows; its blank is taken. */
  more(): boolean {
    if (this.peek() !== ' ') return false;
    this.space();
    return !this.isAtEnd;
  }

  end(): void {
    while (this.skip(' '));
    if (!this.isAtEnd) throw new ImapSyntaxError('Too many arguments');
  }

  /** Takes `word` (upper case) if it comes next and is a whole atom. */
  skipWord(word: string): boolean {
    const end = this.#at + word.length;
    if (this.#text.slice(this.#at, end).toUpperCase() !== word || isAtomCharacter(this.#text.charCodeAt(end)))
      return false;
    this.#at = end;
    return true;
  }

  atom(): string {
    return this.#take(isAtomCharacter, 'Expected an atom');
  }

  /** RFC 3501: 1*<any ASTRING-CHAR except "+">. */
  tag(): string {
    return this.#take((code) => isAstringCharacter(code) && code !== plus, 'Invalid tag');
  }

  astring(): string {
    return this.#isStringNext() ? this.string() : this.#take(isAstringCharacter, 'Expected a string');
  }

  /** A mailbox pattern of LIST: wildcards are allowed in the atom form. */
  listMailbox(): string {
    return this.#isStringNext() ? this.string() : this.#take(isListCharacter, 'Expected a mailbox pattern');
  }

  /** Quoted or literal. */
  string(): string {
    return this.peek() === '"' ? this.#quoted() : this.#literal();
  }

  nstring(): string | undefined {
    return this.skipWord('NIL') ? undefined : this.string();
  }

  number(): number {
    const digits = this.#take(isDigit, 'Expected a number');
    if (digits.length > maxNumberDigits) throw new ImapSyntaxError('Number too large');
    return Number(digits);
  }

  /** A mod-sequence (RFC 7162: 63 bits); ours stay below 2^53, larger ones mean "after all of them". */
  modSequence(): number {
    const digits = this.#take(isDigit, 'Expected a mod-sequence');
    return digits.length > maxNumberDigits ? Number.MAX_SAFE_INTEGER : Number(digits);
  }

  /** Characters of a sequence set; sequence-set.ts reads them. */
  sequenceSetText(): string {
    return this.#take((code) => isDigit(code) || code === 42 || code === 44 || code === 58, 'Expected a sequence set');
  }

  /** `\Seen` or a keyword. */
  flag(): string {
    return this.skip('\\') ? `\\${this.atom()}` : this.atom();
  }

  /** `(item item ...)`; an empty list where `mayBeEmpty`. Blanks inside the parentheses are forgiven. */
  list<Item>(readItem: () => Item, mayBeEmpty = false): Item[] {
    this.expect('(');
    while (this.skip(' '));
    const items: Item[] = [];
    if (mayBeEmpty && this.skip(')')) return items;
    do items.push(readItem());
    while (this.more() && this.peek() !== ')');
    this.expect(')');
    return items;
  }

  /** The announcement of a literal whose octets come separately: it must end the text. */
  announcement(): LiteralAnnouncement {
    const announcement = this.#announcement();
    this.skip('\r');
    this.skip('\n');
    if (!this.isAtEnd) throw new ImapSyntaxError('Expected a literal at the end');
    return announcement;
  }

  #announcement(): LiteralAnnouncement {
    const binary = this.skip('~');
    this.expect('{');
    const size = this.number();
    const synchronizing = !this.skip('+');
    this.expect('}');
    return { size, synchronizing, binary };
  }

  #literal(): string {
    const { size } = this.#announcement();
    this.skip('\r');
    this.expect('\n');
    const text = this.#text.slice(this.#at, this.#at + size);
    if (text.length < size) throw new ImapSyntaxError('Literal is incomplete');
    this.#at += size;
    if (text.includes('\0')) throw new ImapSyntaxError('NUL in a literal');
    return text;
  }

  #quoted(): string {
    this.expect('"');
    let result = '';
    let pieceFrom = this.#at;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code) || code === 13 || code === 10 || code === 0)
        throw new ImapSyntaxError('Unfinished quoted string');
      if (code === 34) break;
      if (code === 92) {
        result += this.#text.slice(pieceFrom, this.#at);
        pieceFrom = ++this.#at;
        if (this.peek() !== '"' && this.peek() !== '\\') throw new ImapSyntaxError('Invalid escape in a quoted string');
      }
      this.#at++;
    }
    result += this.#text.slice(pieceFrom, this.#at);
    this.#at++;
    return result;
  }

  #isStringNext(): boolean {
    const next = this.peek();
    return next === '"' || next === '{' || next === '~';
  }

  #take(accepts: (code: number) => boolean, problem: string): string {
    const from = this.#at;
    while (this.#at < this.#text.length && accepts(this.#text.charCodeAt(this.#at))) this.#at++;
    if (this.#at === from) throw new ImapSyntaxError(problem);
    return this.#text.slice(from, this.#at);
  }
}

const plus = 43;

/** RFC 3501 §9: ATOM-CHAR, without controls, 8-bit, blank and ( ) { % * " \ ]. NaN (the end) is none. */
export function isAtomCharacter(code: number): boolean {
  return (
    code > 32 &&
    code < 127 &&
    code !== 40 &&
    code !== 41 &&
    code !== 123 &&
    code !== 37 &&
    code !== 42 &&
    code !== 34 &&
    code !== 92 &&
    code !== 93
  );
}

function isAstringCharacter(code: number): boolean {
  return isAtomCharacter(code) || code === 93;
}

function isListCharacter(code: number): boolean {
  return isAstringCharacter(code) || code === 37 || code === 42;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
