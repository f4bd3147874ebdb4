// Reads `[...]` of a POSIX pattern as glibc's regcomp(3) does in the C locale. Backslashes are themselves here.

import { PatternError } from './matcher.ts';
import { type ByteSet, complement, foldSet, namedSet, setOf, union } from './syntax-tree.ts';

export interface PosixSwitches {
  readonly caseless: boolean;
  /** REG_NEWLINE: `.` and `[^...]` take no line end, `^` and `$` match at them. */
  readonly newline: boolean;
  readonly extended: boolean;
}

interface BracketRead {
  readonly set: ByteSet;
  readonly end: number;
}

/** `at` is behind the `[`. Throws PatternError. */
export function readPosixBracket(text: string, at: number, switches: PosixSwitches): BracketRead {
  return new BracketReader(text, at, switches).read();
}

type Element = { readonly kind: 'byte'; readonly value: number } | { readonly kind: 'class' };

class BracketReader {
  readonly #text: string;
  readonly #switches: PosixSwitches;
  readonly #set: ByteSet = setOf();
  #at: number;

  constructor(text: string, at: number, switches: PosixSwitches) {
    this.#text = text;
    this.#at = at;
    this.#switches = switches;
  }

  read(): BracketRead {
    const isNegated = this.#text[this.#at] === '^';
    if (isNegated) this.#at++;
    for (let isFirst = true; isFirst || this.#text[this.#at] !== ']'; isFirst = false) this.#readItem(isFirst);
    let set = this.#switches.caseless ? foldSet(this.#set) : this.#set;
    if (isNegated) set = complement(set);
    if (isNegated && this.#switches.newline) set[10] = 0;
    return { set, end: this.#at + 1 };
  }

  #readItem(isFirst: boolean): void {
    const start = this.#readElement(isFirst);
    if (start.kind === 'class') return;
    let last = start.value;
    const isRange = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']';
    if (isRange) {
      this.#at++;
      const end = this.#readElement(true);
      if (end.kind === 'class') throw new PatternError('Invalid range end');
      last = end.value;
    }
    if (last < start.value) throw new PatternError('Invalid range end');
    union(this.#set, setOf([start.value, last]));
  }

  #readElement(acceptsHyphen: boolean): Element {
    const rest = this.#text.slice(this.#at, this.#at + 40);
    if (rest === '') throw new PatternError('Unmatched [, [^, [:, [., or [=');
    if (rest.startsWith('-') && !acceptsHyphen && rest[1] !== ']') throw new PatternError('Invalid range end');
    const named = /^\[([:=.])(.*?)\1\]/s.exec(rest);
    if (named === null) {
      if (/^\[[:=.]/.test(rest)) throw new PatternError('Unmatched [, [^, [:, [., or [=');
      this.#at++;
      return { kind: 'byte', value: this.#fold(rest.charCodeAt(0)) };
    }
    this.#at += named[0].length;
    const name = named[2] as string;
    if (named[1] === ':') return this.#addClass(name);
    if (name.length !== 1) throw new PatternError('Invalid collation character');
    if (named[1] === '.') return { kind: 'byte', value: this.#fold(name.charCodeAt(0)) };
    const value = this.#fold(name.charCodeAt(0));
    union(this.#set, setOf(value));
    return { kind: 'class' };
  }

  /** glibc folds the pattern before it looks at ranges: `[Z-a]` is out of order where case does not count. */
  #fold(byte: number): number {
    return this.#switches.caseless && byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;
  }

  #addClass(name: string): Element {
    const isCase = this.#switches.caseless && (name === 'upper' || name === 'lower');
    const set = name === 'word' || name === 'ascii' ? undefined : namedSet(isCase ? 'alpha' : name);
    if (set === undefined) throw new PatternError('Invalid character class name');
    union(this.#set, set);
    return { kind: 'class' };
  }
}
