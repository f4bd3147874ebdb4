// Reads a Perl-compatible pattern (pcre2pattern(3)) into a tree, for machines without libpcre2. What only the library
// can do is refused with its name: recursion, conditional groups, verbs `(*...)`, `(?|...)`, `\K`, `\X`, `\p`.

import { PatternError } from './matcher.ts';
import { type PcreMode, readPcreClass } from './pcre-class.ts';
import { readEscape, verticalSpace } from './pcre-escapes.ts';
import {
  anyByte,
  byteTree,
  complement,
  fixedLength,
  notNewline,
  type Pattern,
  setOf,
  type Tree,
} from './syntax-tree.ts';

export interface PcreSwitches {
  readonly caseless: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly extended: boolean;
  readonly anchored: boolean;
  readonly dollarEndOnly: boolean;
  readonly ungreedy: boolean;
}

const maxNesting = 250;
const maxCount = 65_535;
const modeLetters = {
  i: 'caseless',
  m: 'multiline',
  s: 'dotAll',
  x: 'extended',
  U: 'ungreedy',
  n: 'plainGroupsOnly',
} as const;

/** Throws PatternError. */
export function readPcre(text: string, switches: PcreSwitches): Pattern {
  return new PcreReader(text, switches).read();
}

class PcreReader {
  readonly #text: string;
  readonly #switches: PcreSwitches;
  readonly #names = new Map<string, number>();
  readonly #references: { readonly tree: { number: number }; readonly reference: string }[] = [];
  #mode: PcreMode;
  #at = 0;
  #groups = 0;
  #nesting = 0;
  /** Between \Q and \E. */
  #isQuoting = false;

  constructor(text: string, switches: PcreSwitches) {
    this.#text = text;
    this.#switches = switches;
    this.#mode = { ...switches, extendedMore: false, plainGroupsOnly: false };
  }

  read(): Pattern {
    const tree = this.#readChoice();
    if (this.#at < this.#text.length) throw new PatternError('unmatched closing parenthesis');
    for (const { tree: reference, reference: name } of this.#references) {
      const number = /^[0-9]+$/.test(name) ? Number(name) : (this.#names.get(name) ?? 0);
      if (number < 1 || number > this.#groups) throw new PatternError('reference to non-existent subpattern');
      reference.number = number;
    }
    const start: Tree = { kind: 'place', place: 'start' };
    return {
      tree: this.#switches.anchored ? { kind: 'sequence', parts: [start, tree] } : tree,
      groupCount: this.#groups,
    };
  }

  #readChoice(): Tree {
    if (++this.#nesting > maxNesting) throw new PatternError('parentheses are too deeply nested');
    const branches: Tree[] = [];
    for (;;) {
      branches.push(this.#readBranch());
      if (this.#text[this.#at] !== '|') break;
      this.#at++;
    }
    this.#nesting--;
    return branches.length === 1 ? (branches[0] as Tree) : { kind: 'choice', branches };
  }

  #readBranch(): Tree {
    const parts: Tree[] = [];
    for (;;) {
      this.#skipIgnored();
      const next = this.#text[this.#at];
      if (next === undefined || (!this.#isQuoting && (next === '|' || next === ')'))) break;
      const atom = this.#isQuoting ? this.#readLiteral() : this.#readAtom();
      if (atom !== undefined) parts.push(this.#readCounts(atom));
    }
    return parts.length === 1 ? (parts[0] as Tree) : { kind: 'sequence', parts };
  }

  /** Comments, `\Q`, `\E`, and blanks in extended mode. */
  #skipIgnored(): void {
    for (;;) {
      const rest = this.#text.slice(this.#at, this.#at + 3);
      if (rest.startsWith('\\E')) {
        this.#isQuoting = false;
        this.#at += 2;
      } else if (this.#isQuoting || rest === '') {
        return;
      } else if (rest.startsWith('\\Q')) {
        this.#isQuoting = true;
        this.#at += 2;
      } else if (rest === '(?#') {
        const end = this.#text.indexOf(')', this.#at);
        if (end === -1) throw new PatternError('missing ) after (?# comment');
        this.#at = end + 1;
      } else if (this.#mode.extended && /^[\t-\r ]/.test(rest)) {
        this.#at++;
      } else if (this.#mode.extended && rest.startsWith('#')) {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end === -1 ? this.#text.length : end + 1;
      } else {
        return;
      }
    }
  }

  #readLiteral(): Tree {
    const byte = this.#text.charCodeAt(this.#at++);
    return byteTree(setOf(byte), this.#mode.caseless);
  }

  /** Undefined for what only changes the mode. */
  #readAtom(): Tree | undefined {
    const { multiline, dotAll } = this.#mode;
    switch (this.#text[this.#at] ?? '') {
      case '^':
        this.#at++;
        return { kind: 'place', place: multiline ? 'line-start-unless-last' : 'start' };
      case '$':
        this.#at++;
        if (multiline) return { kind: 'place', place: 'line-end' };
        return { kind: 'place', place: this.#switches.dollarEndOnly ? 'end' : 'end-or-last-newline' };
      case '.':
        this.#at++;
        return byteTree(dotAll ? anyByte : notNewline);
      case '[':
        return this.#readClass();
      case '(':
        return this.#readGroup();
      case '\\':
        return this.#readEscaped();
      case '*':
      case '+':
      case '?':
        throw new PatternError('quantifier does not follow a repeatable item');
      default:
        if (this.#text[this.#at] === '{' && readCount(this.#text, this.#at) !== undefined) {
          throw new PatternError('quantifier does not follow a repeatable item');
        }
        return this.#readLiteral();
    }
  }

  #readEscaped(): Tree {
    const { escape, end } = readEscape(this.#text, this.#at + 1, false, this.#groups);
    this.#at = end;
    switch (escape.kind) {
      case 'byte':
        return byteTree(setOf(escape.value), this.#mode.caseless);
      case 'set':
        return byteTree(escape.set);
      case 'place':
        return { kind: 'place', place: escape.place };
      case 'line-break': {
        const pair: Tree = { kind: 'sequence', parts: [byteTree(setOf(13)), byteTree(setOf(10))] };
        return { kind: 'atomic', part: { kind: 'choice', branches: [pair, byteTree(verticalSpace)] } };
      }
      case 'group':
        return this.#reference(escape.reference);
    }
  }

  #reference(reference: string): Tree {
    const tree = { kind: 'backreference' as const, number: 0, isCaseless: this.#mode.caseless };
    const relative = /^([-+])([0-9]+)$/.exec(reference);
    const number =
      relative === null
        ? 0
        : relative[1] === '-'
          ? this.#groups + 1 - Number(relative[2])
          : this.#groups + Number(relative[2]);
    this.#references.push({ tree, reference: relative === null ? reference : String(number) });
    return tree;
  }

  #readGroup(): Tree | undefined {
    const head = this.#text.slice(this.#at, this.#at + 80);
    if (head.startsWith('(*')) throw new PatternError('(*\u2026) needs the library libpcre2-8');
    if (!head.startsWith('(?')) return this.#mode.plainGroupsOnly ? this.#readInner(1) : this.#readNumbered(1);
    const named = /^\(\?(?:P?<(\w+)>|'(\w+)')/.exec(head);
    if (named !== null) return this.#readNumbered(named[0].length, named[1] ?? named[2]);
    const python = /^\(\?P=(\w+)\)/.exec(head);
    if (python !== null) {
      this.#at += python[0].length;
      return this.#reference(python[1] as string);
    }
    const kind = /^\(\?(:|>|=|!|<=|<!)/.exec(head)?.[1];
    return kind === undefined ? this.#readModes() : this.#readSpecial(kind);
  }

  #readNumbered(headLength: number, name?: string): Tree {
    const number = ++this.#groups;
    if (name !== undefined) {
      if (/^[0-9]/.test(name)) throw new PatternError('subpattern name must start with a non-digit');
      if (this.#names.has(name)) throw new PatternError('two named subpatterns have the same name');
      this.#names.set(name, number);
    }
    return { kind: 'group', number, part: this.#readInner(headLength) };
  }

  #readSpecial(kind: string): Tree {
    const part = this.#readInner('(?'.length + kind.length);
    if (kind === ':') return part;
    if (kind === '>') return { kind: 'atomic', part };
    const isBehind = kind.startsWith('<');
    if (isBehind) {
      const branches = part.kind === 'choice' ? part.branches : [part];
      if (branches.some((branch) => fixedLength(branch) === undefined)) {
        throw new PatternError('lookbehind assertion is not fixed length');
      }
    }
    return { kind: 'look', isBehind, isNegated: kind.endsWith('!'), part };
  }

  /** `(?i-s)` up to the end of the group around it, or `(?i-s:...)`. */
  #readModes(): Tree | undefined {
    const match = /^\(\?(\^?)([imsxnUJ]*)(?:-([imsxnUJ]*))?([:)])/.exec(this.#text.slice(this.#at, this.#at + 40));
    if (match === null || (match[1] !== '' && match[3] !== undefined)) {
      throw new PatternError('this kind of group is unknown, or needs the library libpcre2-8');
    }
    const [all, caret = '', on = '', off = '', close] = match;
    const mode = { ...this.#mode };
    if (caret !== '') {
      Object.assign(mode, { caseless: false, multiline: false, dotAll: false, extended: false, extendedMore: false });
      mode.plainGroupsOnly = false;
    }
    setMode(mode, on, true);
    setMode(mode, off, false);
    if (close === ')') {
      this.#mode = mode;
      this.#at += all.length;
      return undefined;
    }
    return this.#readInner(all.length, mode);
  }

  /** What stands in a group, and its `)`. */
  #readInner(headLength: number, mode = this.#mode): Tree {
    const outer = this.#mode;
    this.#mode = { ...mode };
    this.#at += headLength;
    const tree = this.#readChoice();
    if (this.#text[this.#at] !== ')') throw new PatternError('missing closing parenthesis');
    this.#at++;
    this.#mode = outer;
    return tree;
  }

  #readCounts(atom: Tree): Tree {
    this.#skipIgnored();
    const count = this.#isQuoting ? undefined : readCount(this.#text, this.#at);
    if (count === undefined) return atom;
    if (atom.kind === 'place') throw new PatternError('quantifier does not follow a repeatable item');
    this.#at = count.end;
    this.#skipIgnored();
    const suffix = this.#isQuoting ? '' : this.#text[this.#at];
    if (suffix === '?' || suffix === '+') this.#at++;
    // An assertion repeated is the assertion once.
    const max = atom.kind === 'look' ? Math.min(count.max, 1) : count.max;
    const min = Math.min(count.min, max);
    const isLazy = suffix !== '+' && (suffix === '?') !== this.#mode.ungreedy;
    const tree: Tree = { kind: 'repeat', part: atom, min, max, isLazy };
    return suffix === '+' ? { kind: 'atomic', part: tree } : tree;
  }

  #readClass(): Tree {
    const { set, end, isNegated } = readPcreClass(this.#text, this.#at + 1, this.#mode);
    this.#at = end;
    return byteTree(isNegated ? complement(set) : set);
  }
}

function setMode(mode: PcreMode, letters: string, isOn: boolean): void {
  if (letters.includes('x')) mode.extendedMore = isOn && letters.includes('xx');
  for (const letter of letters) {
    if (letter !== 'J') mode[modeLetters[letter as keyof typeof modeLetters]] = isOn;
  }
}

function readCount(
  text: string,
  at: number,
): { readonly min: number; readonly max: number; readonly end: number } | undefined {
  const sign = text[at];
  if (sign === '*') return { min: 0, max: Infinity, end: at + 1 };
  if (sign === '+') return { min: 1, max: Infinity, end: at + 1 };
  if (sign === '?') return { min: 0, max: 1, end: at + 1 };
  const match = sign === '{' ? /^\{([0-9]+)(,?)([0-9]*)\}/.exec(text.slice(at, at + 40)) : null;
  if (match === null || (match[2] === '' && match[3] !== '')) return undefined;
  const min = Number(match[1]);
  const max = match[2] === '' ? min : match[3] === '' ? Infinity : Number(match[3]);
  if (min > maxCount || (max !== Infinity && max > maxCount)) throw new PatternError('number too big in {} quantifier');
  if (max < min) throw new PatternError('numbers out of order in {} quantifier');
  return { min, max, end: at + match[0].length };
}
