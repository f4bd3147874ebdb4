// What a backslash and the characters after it mean in a Perl-compatible pattern (pcre2pattern(3), "Backslash"),
// in and outside of `[...]`.

import { PatternError } from './matcher.ts';
import { anyByte, type ByteSet, complement, namedSets, notNewline, type Place, setOf } from './syntax-tree.ts';

export type Escape =
  | { readonly kind: 'byte'; readonly value: number }
  | { readonly kind: 'set'; readonly set: ByteSet }
  | { readonly kind: 'place'; readonly place: Place }
  | { readonly kind: 'line-break' }
  | { readonly kind: 'group'; readonly reference: string };

export interface EscapeRead {
  readonly escape: Escape;
  readonly end: number;
}

const letters: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };

const horizontalSpace = setOf(0x09, 0x20, 0xa0);
export const verticalSpace = setOf([0x0a, 0x0d], 0x85);

function named(name: string): ByteSet {
  return namedSets[name] as ByteSet;
}

const sets: Readonly<Record<string, ByteSet>> = {
  d: named('digit'),
  D: complement(named('digit')),
  s: named('space'),
  S: complement(named('space')),
  w: named('word'),
  W: complement(named('word')),
  h: horizontalSpace,
  H: complement(horizontalSpace),
  v: verticalSpace,
  V: complement(verticalSpace),
};

const places: Readonly<Record<string, Place>> = {
  A: 'start',
  // Where the search began, which is the key's start.
  G: 'start',
  z: 'end',
  Z: 'end-or-last-newline',
  b: 'word-boundary',
  B: 'no-word-boundary',
};

/** `at` is behind the backslash. `groupsBefore`: how many groups opened so far. Throws PatternError. */
export function readEscape(text: string, at: number, isInClass: boolean, groupsBefore: number): EscapeRead {
  const letter = text[at];
  if (letter === undefined) throw new PatternError('\\ at end of pattern');
  const one = (escape: Escape): EscapeRead => ({ escape, end: at + 1 });
  if (!/[0-9A-Za-z]/.test(letter)) return one({ kind: 'byte', value: letter.charCodeAt(0) });
  if (Object.hasOwn(sets, letter)) return one({ kind: 'set', set: sets[letter] as ByteSet });
  if (Object.hasOwn(letters, letter)) return one({ kind: 'byte', value: letters[letter] as number });
  const numeric = readNumeric(text, at, isInClass, groupsBefore);
  if (numeric !== undefined) return numeric;
  if (isInClass) {
    if (letter === 'b') return one({ kind: 'byte', value: 8 });
    throw new PatternError(
      `escape sequence \\${letter} is invalid in character class, or needs the library libpcre2-8`,
    );
  }
  if (Object.hasOwn(places, letter)) return one({ kind: 'place', place: places[letter] as Place });
  if (letter === 'N' && text[at + 1] !== '{') return one({ kind: 'set', set: notNewline });
  if (letter === 'C') return one({ kind: 'set', set: anyByte });
  if (letter === 'R') return one({ kind: 'line-break' });
  if (letter === 'g' || letter === 'k') return readReference(text, at);
  throw new PatternError(`\\${letter} is unknown, or needs the library libpcre2-8`);
}

/** `\x41 \x{41} \101 \o{101} \cA`, and `\1` where that is a group. */
function readNumeric(text: string, at: number, isInClass: boolean, groupsBefore: number): EscapeRead | undefined {
  const rest = text.slice(at, at + 40);
  const hex = /^x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{0,2}))/.exec(rest);
  if (hex !== null) return byteEscape(Number.parseInt(hex[1] ?? `0${hex[2]}`, 16), at + hex[0].length);
  const braced = /^o\{([0-7]+)\}/.exec(rest);
  if (braced !== null) return byteEscape(Number.parseInt(braced[1] as string, 8), at + braced[0].length);
  const control = /^c([\x20-\x7e])/.exec(rest);
  if (control !== null) return byteEscape((control[1] as string).toUpperCase().charCodeAt(0) ^ 64, at + 2);
  const decimal = /^[1-9][0-9]*/.exec(rest)?.[0];
  if (decimal !== undefined && !isInClass) {
    const isGroup = decimal.length === 1 || /^[89]/.test(decimal) || Number(decimal) <= groupsBefore;
    if (isGroup) return { escape: { kind: 'group', reference: decimal }, end: at + decimal.length };
  }
  const octal = /^[0-7]{1,3}/.exec(rest)?.[0];
  return octal === undefined ? undefined : byteEscape(Number.parseInt(octal, 8), at + octal.length);
}

function byteEscape(value: number, end: number): EscapeRead {
  if (value > 255) throw new PatternError('character code point value in \\x{} or \\o{} is too large');
  return { escape: { kind: 'byte', value }, end };
}

/** `\g1 \g-1 \g{1} \g{name} \k{name} \k<name> \k'name'`. */
function readReference(text: string, at: number): EscapeRead {
  const match = /^(?:g([-+]?[0-9]+)|g\{([-+]?\w+)\}|k\{(\w+)\}|k<(\w+)>|k'(\w+)')/.exec(text.slice(at, at + 80));
  const reference = match?.slice(1).find((one) => one !== undefined);
  if (match === null || reference === undefined) {
    throw new PatternError('\\g and \\k need the name of a group, or the library libpcre2-8');
  }
  return { escape: { kind: 'group', reference }, end: at + match[0].length };
}
