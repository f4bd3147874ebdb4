// Random patterns, sound and broken, with keys that they may match: for comparing engines and whole tables.

import type { Random } from '../harness/random.ts';

export type PatternType = 'pcre' | 'regexp';

const shared = split(
  String.raw`a b c @ . x A - 1 ä ^ $ (a|b) [ab] [^a] [[:alpha:]] [a-c] \. \w \W \b a* b+ c? a{2} b{1,2} (ab)* (a*)`,
  String.raw`() | ( ) * + ? { } {,2} [ ] []a] [a-] \1 .* ^(.*)@(.*)$`,
);
const posix = split(String.raw`\< \> [A-z] \( \) \{ \} \| \+ \? \B \' \n [a-c-e]`, '\\`');
const perl = split(
  String.raw`\d \s [\w.-] \2 (?:a|b) (?=a) (?!b) (?<=a) (?<!b) (?i) (?-i) (?>a+) a++ a*? .+? (?<n>a) \k<n> \x41 \101`,
  String.raw`\Qa.b\E \R \h \z \Z \A (?#x) # (?m) (?s:.) (?x:_a_b_) _ [[:^digit:]] [^\W] [\d-z] {0} {2,} (a)? (?U) \G`,
  String.raw`\N \g{-1} (?n) (a|ab)(c|bcd)*`,
).map((atom) => atom.replaceAll('_', ' '));
const atoms = { pcre: [...shared, ...perl], regexp: [...shared, ...posix] };
const flags = {
  pcre: ['', '', '', 'i', 'm', 's', 'x', 'A', 'E', 'U', 'im', 'ii'],
  regexp: ['', '', '', 'i', 'm', 'x', 'ix'],
};
const keyParts = [' ', ...split('a b c A B @ . - 1 x ä ab aa abc')];

function split(...texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.split(' '));
}

export function randomPattern(random: Random, type: PatternType): string {
  return Array.from({ length: random.between(1, 6) }, () => random.pick(atoms[type])).join('');
}

export function randomFlags(random: Random, type: PatternType): string {
  return random.pick(flags[type]);
}

/** At least one character, no line end. */
export function randomKey(random: Random): string {
  return Array.from({ length: random.between(1, 7) }, () => random.pick(keyParts)).join('');
}
