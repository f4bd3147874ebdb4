// Reads a POSIX pattern, extended or basic, with the additions and refusals of glibc's regcomp(3) (`\w`, `\<`, `\1`,
// `a{,3}` ...) into a tree: for machines without glibc, and for what glibc cannot match in a bounded time.

import { PatternError } from './matcher.ts';
import { type PosixSwitches, readPosixBracket } from './posix-bracket.ts';
import {
  anyByte,
  type ByteSet,
  byteTree,
  complement,
  namedSets,
  notNewline,
  type Pattern,
  type Place,
  setOf,
  type Tree,
} from './syntax-tree.ts';

type Token =
  | { readonly kind: 'byte' | 'reference'; readonly value: number }
  | { readonly kind: 'set'; readonly set: ByteSet }
  | { readonly kind: 'place'; readonly place: Place }
  | { readonly kind: 'open' | 'close' | 'or' | 'count' | 'braces' | 'bracket' | 'any' | 'end' };

const maxCount = 32_767;
const maxNesting = 250;
const word = namedSets['word'] as ByteSet;
const space = namedSets['space'] as ByteSet;

/** GNU's escapes. */
const escapes: Readonly<Record<string, Token>> = {
  w: { kind: 'set', set: word },
  W: { kind: 'set', set: complement(word) },
  s: { kind: 'set', set: space },
  S: { kind: 'set', set: complement(space) },
  b: { kind: 'place', place: 'word-boundary' },
  B: { kind: 'place', place: 'no-word-boundary' },
  '<': { kind: 'place', place: 'word-start' },
  '>': { kind: 'place', place: 'word-end' },
  '`': { kind: 'place', place: 'start' },
  "'": { kind: 'place', place: 'end' },
};

/** Throws PatternError. */
export function readPosix(text: string, switches: PosixSwitches): Pattern {
  return new PosixReader(text, switches).read();
}

class PosixReader {
  readonly #text: string;
  readonly #switches: PosixSwitches;
  /** Groups that a back reference may name: those before it, but not in another branch. */
  #completed: ReadonlySet<number> = new Set();
  #at = 0;
  #groups = 0;
  #nesting = 0;
  /** In a basic pattern `^` is an anchor here only, and `*` itself. */
  #isStart = true;

  constructor(text: string, switches: PosixSwitches) {
    this.#text = text;
    this.#switches = switches;
  }

  read(): Pattern {
    const tree = this.#readChoice();
    if (this.#at < this.#text.length) throw new PatternError('Unmatched ) or \\)');
    return { tree, groupCount: this.#groups };
  }

  #readChoice(): Tree {
    if (++this.#nesting > maxNesting) throw new PatternError('Regular expression too big');
    const branches: Tree[] = [];
    const before = this.#completed;
    let after = before;
    for (;;) {
      this.#isStart = true;
      this.#completed = before;
      branches.push(this.#readBranch());
      after = new Set([...after, ...this.#completed]);
      const { token, end } = this.#peek();
      if (token.kind !== 'or') break;
      this.#at = end;
    }
    this.#completed = after;
    this.#nesting--;
    return branches.length === 1 ? (branches[0] as Tree) : { kind: 'choice', branches };
  }

  #readBranch(): Tree {
    const parts: Tree[] = [];
    for (;;) {
      const { token } = this.#peek();
      if (token.kind === 'end' || token.kind === 'or') break;
      if (token.kind === 'close' && (this.#nesting > 1 || !this.#switches.extended)) break;
      parts.push(this.#readExpression());
    }
    return parts.length === 1 ? (parts[0] as Tree) : { kind: 'sequence', parts };
  }

  #readExpression(): Tree {
    const { token, end } = this.#peek();
    this.#isStart = false;
    const first = this.#text[this.#at] as string;
    this.#at = end;
    switch (token.kind) {
      case 'place':
        // Nothing counts an anchor: what follows is a mistake, or in a basic pattern itself.
        return { kind: 'place', place: token.place };
      case 'count':
      case 'braces':
        if (this.#switches.extended || token.kind === 'braces') {
          throw new PatternError('Invalid preceding regular expression');
        }
        // A basic pattern's `*`, `\\+` or `\\?` with nothing before it is itself.
        return this.#readCounts(this.#byte(this.#text.charCodeAt(end - 1)));
      case 'open':
        return this.#readCounts(this.#readGroup());
      case 'bracket':
        return this.#readCounts(this.#readBracket());
      case 'any':
        return this.#readCounts(byteTree(this.#switches.newline ? notNewline : anyByte));
      case 'set':
        return this.#readCounts(byteTree(token.set));
      case 'reference':
        if (!this.#completed.has(token.value)) throw new PatternError('Invalid back reference');
        return this.#readCounts({ kind: 'backreference', number: token.value, isCaseless: this.#switches.caseless });
      case 'byte':
        return this.#readCounts(this.#byte(token.value));
      case 'close':
      case 'or':
      case 'end':
        // An extended pattern's `)` without `(`.
        return this.#readCounts(this.#byte(first.charCodeAt(0)));
    }
  }

  #byte(value: number): Tree {
    return byteTree(setOf(value), this.#switches.caseless);
  }

  #readGroup(): Tree {
    const number = ++this.#groups;
    const part = this.#readChoice();
    const { token, end } = this.#peek();
    if (token.kind !== 'close') throw new PatternError('Unmatched ( or \\(');
    this.#at = end;
    this.#isStart = false;
    this.#completed = new Set([...this.#completed, number]);
    return { kind: 'group', number, part };
  }

  #readCounts(atom: Tree): Tree {
    let tree = atom;
    for (let counts = 0; ; counts++) {
      const isFirst = counts === 0;
      const { token, end } = this.#peek();
      if (token.kind !== 'count' && token.kind !== 'braces') return tree;
      if (counts > maxNesting) throw new PatternError('Regular expression too big');
      const sign = this.#text[end - 1] as string;
      if (!isFirst && !this.#switches.extended && (token.kind === 'braces' || sign === '*')) {
        throw new PatternError('Invalid preceding regular expression');
      }
      this.#at = end;
      const { min, max } =
        token.kind === 'braces'
          ? this.#readBraces()
          : { min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Number.POSITIVE_INFINITY };
      tree = { kind: 'repeat', part: tree, min, max, isLazy: false };
    }
  }

  /** `{3}`, `{3,}`, `{,3}`, `{3,5}`, from behind the brace. */
  #readBraces(): { readonly min: number; readonly max: number } {
    const close = this.#switches.extended ? '}' : '\\}';
    const match = /^([0-9]*)(,?)([0-9]*)(\\?\})/.exec(this.#text.slice(this.#at, this.#at + 40));
    if (match === null || match[4] !== close || (match[1] === '' && match[2] === '')) {
      throw new PatternError(this.#text.includes(close, this.#at) ? 'Invalid content of \\{\\}' : 'Unmatched { or \\{');
    }
    this.#at += match[0].length;
    const min = Number(match[1]);
    const max = match[2] === '' ? min : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (min > max) throw new PatternError('Invalid content of \\{\\}');
    if (min > maxCount || (max !== Number.POSITIVE_INFINITY && max > maxCount)) {
      throw new PatternError('Regular expression too big');
    }
    return { min, max };
  }

  #readBracket(): Tree {
    const { set, end } = readPosixBracket(this.#text, this.#at, this.#switches);
    this.#at = end;
    return byteTree(set);
  }

  #peek(at = this.#at): { readonly token: Token; readonly end: number } {
    const character = this.#text[at];
    const one = (token: Token): { token: Token; end: number } => ({ token, end: at + 1 });
    if (character === undefined) return { token: { kind: 'end' }, end: at };
    if (character === '\\') return this.#peekEscape(at);
    const { extended, newline } = this.#switches;
    if (character === '[') return one({ kind: 'bracket' });
    if (character === '.') return one({ kind: 'any' });
    if (character === '*') return one({ kind: 'count' });
    if (character === '^' && (extended || this.#isStart)) {
      return one({ kind: 'place', place: newline ? 'line-start' : 'start' });
    }
    if (character === '$' && (extended || this.#isLastOfBranch(at + 1))) {
      return one({ kind: 'place', place: newline ? 'line-end' : 'end' });
    }
    if (extended && character === '(') return one({ kind: 'open' });
    if (extended && character === ')') return one({ kind: 'close' });
    if (extended && character === '|') return one({ kind: 'or' });
    if (extended && character === '{') return one({ kind: 'braces' });
    if (extended && (character === '+' || character === '?')) return one({ kind: 'count' });
    return one({ kind: 'byte', value: character.charCodeAt(0) });
  }

  #peekEscape(at: number): { readonly token: Token; readonly end: number } {
    const character = this.#text[at + 1];
    if (character === undefined) throw new PatternError('Trailing backslash');
    const two = (token: Token): { token: Token; end: number } => ({ token, end: at + 2 });
    if (Object.hasOwn(escapes, character)) return two(escapes[character] as Token);
    if (/[1-9]/.test(character)) return two({ kind: 'reference', value: Number(character) });
    if (!this.#switches.extended) {
      if (character === '(') return two({ kind: 'open' });
      if (character === ')') return two({ kind: 'close' });
      if (character === '|') return two({ kind: 'or' });
      if (character === '{') return two({ kind: 'braces' });
      if (character === '+' || character === '?') return two({ kind: 'count' });
    }
    return two({ kind: 'byte', value: character.charCodeAt(0) });
  }

  #isLastOfBranch(at: number): boolean {
    return at === this.#text.length || this.#text.startsWith('\\)', at) || this.#text.startsWith('\\|', at);
  }
}
