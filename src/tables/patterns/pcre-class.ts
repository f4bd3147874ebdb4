// Reads `[...]` of a Perl-compatible pattern (pcre2pattern(3), "Square brackets and character classes").

import { PatternError } from './matcher.ts';
import { type Escape, readEscape } from './pcre-escapes.ts';
import { type ByteSet, complement, foldSet, namedSet, setOf, union } from './syntax-tree.ts';

/** What `(?imsxnU)` changes up to the end of its group. */
export interface PcreMode {
  caseless: boolean;
  multiline: boolean;
  dotAll: boolean;
  extended: boolean;
  /** Blanks in `[...]` are left out too. */
  extendedMore: boolean;
  ungreedy: boolean;
  /** Plain `(...)` does not count as a group. */
  plainGroupsOnly: boolean;
}

interface ClassRead {
  readonly set: ByteSet;
  readonly end: number;
  readonly isNegated: boolean;
}

/** `at` is behind the `[`. Throws PatternError. */
export function readPcreClass(text: string, at: number, mode: PcreMode): ClassRead {
  return new ClassReader(text, at, mode).read();
}

class ClassReader {
  readonly #text: string;
  readonly #mode: PcreMode;
  readonly #set: ByteSet = setOf();
  #at: number;

  constructor(text: string, at: number, mode: PcreMode) {
    this.#text = text;
    this.#at = at;
    this.#mode = mode;
  }

  read(): ClassRead {
    const isNegated = this.#text[this.#at] === '^';
    if (isNegated) this.#at++;
    let isFirst = true;
    let isQuoting = false;
    for (;;) {
      const rest = this.#text.slice(this.#at, this.#at + 2);
      if (rest === '') throw new PatternError('missing terminating ] for character class');
      if (rest === '\\E' || (rest === '\\Q' && !isQuoting)) {
        isQuoting = rest === '\\Q';
        this.#at += 2;
        continue;
      }
      if (this.#mode.extendedMore && !isQuoting && /^[ \t]/.test(rest)) {
        this.#at++;
        continue;
      }
      if (rest.startsWith(']') && !isFirst && !isQuoting) break;
      isFirst = false;
      this.#readItem(isQuoting);
    }
    return { set: this.#set, end: this.#at + 1, isNegated };
  }

  #readItem(isQuoting: boolean): void {
    const first = this.#readOne(isQuoting);
    const isRange = !isQuoting && this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']';
    if (first === undefined) {
      if (isRange) throw new PatternError('invalid range in character class');
      return;
    }
    let last = first;
    if (isRange && this.#text[this.#at + 1] !== undefined) {
      this.#at++;
      const end = this.#readOne(false);
      if (end === undefined) throw new PatternError('invalid range in character class');
      last = end;
    }
    if (last < first) throw new PatternError('range out of order in character class');
    const range = setOf([first, last]);
    union(this.#set, this.#mode.caseless ? foldSet(range) : range);
  }

  /** A byte, or undefined after a whole set was added. */
  #readOne(isQuoting: boolean): number | undefined {
    const named = isQuoting ? null : /^\[:(\^?)([a-z]*):\]/.exec(this.#text.slice(this.#at, this.#at + 20));
    if (named !== null) {
      this.#at += named[0].length;
      const isCase = this.#mode.caseless && (named[2] === 'upper' || named[2] === 'lower');
      const set = namedSet(isCase ? 'alpha' : (named[2] as string));
      if (set === undefined) throw new PatternError('unknown POSIX class name');
      union(this.#set, named[1] === '^' ? complement(set) : set);
      return undefined;
    }
    if (!isQuoting && /^\[[.=]/.test(this.#text.slice(this.#at, this.#at + 2))) {
      const mark = this.#text[this.#at + 1] as string;
      if (this.#text.includes(`${mark}]`, this.#at + 2))
        throw new PatternError('POSIX collating elements are not supported');
    }
    if (isQuoting || this.#text[this.#at] !== '\\') return this.#text.charCodeAt(this.#at++);
    const { escape, end } = readEscape(this.#text, this.#at + 1, true, 0);
    this.#at = end;
    return this.#valueOf(escape);
  }

  #valueOf(escape: Escape): number | undefined {
    if (escape.kind === 'byte') return escape.value;
    if (escape.kind !== 'set') throw new PatternError('escape sequence is invalid in character class');
    union(this.#set, escape.set);
    return undefined;
  }
}
