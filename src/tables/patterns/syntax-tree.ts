// A pattern as a tree, for the engines of our own: what read-pcre.ts and read-posix.ts make, and what
// re2-pattern.ts and bounded-matcher.ts run. Every choice of flags (case, dot, line ends) is already in the sets.

/** Which of the 256 bytes. */
export type ByteSet = Uint8Array;

export type Place =
  | 'start'
  | 'end'
  /** The end, or before a line end that is last. */
  | 'end-or-last-newline'
  | 'line-start'
  /** The same, but not after a line end that is last. */
  | 'line-start-unless-last'
  | 'line-end'
  | 'word-boundary'
  | 'no-word-boundary'
  | 'word-start'
  | 'word-end';

export type Tree =
  | { readonly kind: 'byte'; readonly set: ByteSet }
  | { readonly kind: 'place'; readonly place: Place }
  | { readonly kind: 'sequence'; readonly parts: readonly Tree[] }
  | { readonly kind: 'choice'; readonly branches: readonly Tree[] }
  | {
      readonly kind: 'repeat';
      readonly part: Tree;
      readonly min: number;
      /** May be Infinity. */
      readonly max: number;
      readonly isLazy: boolean;
    }
  | { readonly kind: 'group'; readonly number: number; readonly part: Tree }
  /** Matches once, in its first way: `(?>...)`, and `...++`. */
  | { readonly kind: 'atomic'; readonly part: Tree }
  | { readonly kind: 'look'; readonly isBehind: boolean; readonly isNegated: boolean; readonly part: Tree }
  | { readonly kind: 'backreference'; readonly number: number; readonly isCaseless: boolean };

export interface Pattern {
  readonly tree: Tree;
  readonly groupCount: number;
}

export function setOf(...ranges: readonly (number | readonly [number, number])[]): ByteSet {
  const set = new Uint8Array(256);
  for (const range of ranges) {
    if (typeof range === 'number') set[range] = 1;
    else set.fill(1, range[0], range[1] + 1);
  }
  return set;
}

export function complement(set: ByteSet): ByteSet {
  return set.map((value) => 1 - value);
}

export function union(target: ByteSet, other: ByteSet): void {
  for (let byte = 0; byte < 256; byte++) target[byte] = (target[byte] as number) | (other[byte] as number);
}

/** Adds the other case of each ASCII letter: in the C locale nothing else has one. */
export function foldSet(set: ByteSet): ByteSet {
  const folded = set.slice();
  for (let byte = 0x41; byte <= 0x5a; byte++) {
    if (set[byte] === 1 || set[byte + 32] === 1) {
      folded[byte] = 1;
      folded[byte + 32] = 1;
    }
  }
  return folded;
}

/** A tree for one byte. */
export function byteTree(set: ByteSet, isCaseless = false): Tree {
  return { kind: 'byte', set: isCaseless ? foldSet(set) : set };
}

const lower: readonly [number, number] = [0x61, 0x7a];
const upper: readonly [number, number] = [0x41, 0x5a];
const digit: readonly [number, number] = [0x30, 0x39];

/** Named classes of the C locale (`[[:alpha:]]`). */
export const namedSets: Readonly<Record<string, ByteSet>> = {
  alnum: setOf(lower, upper, digit),
  alpha: setOf(lower, upper),
  ascii: setOf([0, 0x7f]),
  blank: setOf(0x20, 0x09),
  cntrl: setOf([0, 0x1f], 0x7f),
  digit: setOf(digit),
  graph: setOf([0x21, 0x7e]),
  lower: setOf(lower),
  print: setOf([0x20, 0x7e]),
  punct: setOf([0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e]),
  space: setOf([0x09, 0x0d], 0x20),
  upper: setOf(upper),
  word: setOf(lower, upper, digit, 0x5f),
  xdigit: setOf(digit, [0x41, 0x46], [0x61, 0x66]),
};

export function namedSet(name: string): ByteSet | undefined {
  return Object.hasOwn(namedSets, name) ? namedSets[name] : undefined;
}

export const anyByte = setOf([0, 255]);
export const notNewline = complement(setOf(10));

/** True when the tree or any below it is such a one. */
export function someTree(tree: Tree, isOne: (tree: Tree) => boolean): boolean {
  if (isOne(tree)) return true;
  switch (tree.kind) {
    case 'sequence':
      return tree.parts.some((part) => someTree(part, isOne));
    case 'choice':
      return tree.branches.some((branch) => someTree(branch, isOne));
    case 'repeat':
    case 'group':
    case 'atomic':
    case 'look':
      return someTree(tree.part, isOne);
    case 'byte':
    case 'place':
    case 'backreference':
      return false;
  }
}

/** True unless every way takes a byte at least. */
export function mayBeEmpty(tree: Tree): boolean {
  switch (tree.kind) {
    case 'byte':
      return false;
    case 'sequence':
      return tree.parts.every(mayBeEmpty);
    case 'choice':
      return tree.branches.some(mayBeEmpty);
    case 'repeat':
      return tree.min === 0 || mayBeEmpty(tree.part);
    case 'group':
    case 'atomic':
      return mayBeEmpty(tree.part);
    case 'place':
    case 'look':
    case 'backreference':
      return true;
  }
}

/** Bytes that the tree takes, where every way takes as many; undefined where that varies. */
export function fixedLength(tree: Tree): number | undefined {
  switch (tree.kind) {
    case 'byte':
      return 1;
    case 'place':
    case 'look':
      return 0;
    case 'backreference':
      return undefined;
    case 'group':
    case 'atomic':
      return fixedLength(tree.part);
    case 'repeat': {
      const each = fixedLength(tree.part);
      return tree.min === tree.max && each !== undefined ? each * tree.min : undefined;
    }
    case 'sequence':
      return tree.parts.reduce<number | undefined>((sum, part) => {
        const length = sum === undefined ? undefined : fixedLength(part);
        return sum === undefined || length === undefined ? undefined : sum + length;
      }, 0);
    case 'choice': {
      const [first, ...others] = tree.branches.map(fixedLength);
      return others.every((length) => length === first) ? first : undefined;
    }
  }
}
