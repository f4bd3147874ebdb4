// Patterns without a library of the system: read into a tree, and matched by re2js in time that is linear in the key
// wherever RE2 can say the pattern, else by trying with a limit (bounded-matcher.ts). Both keep strangers' keys from
// holding up the server.
//
// NOTE: where it differs from the libraries: the features that read-pcre.ts refuses; and which of several longest
// matches gives the groups of a POSIX pattern (we take the one that Perl would try first).

import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { type Groups, type Matcher, noGroups, type Subject } from './matcher.ts';
import { matchBounded } from './bounded-matcher.ts';
import { type PcreSwitches, readPcre } from './read-pcre.ts';
import type { PosixSwitches } from './posix-bracket.ts';
import { readPosix } from './read-posix.ts';
import { writeRe2 } from './re2-pattern.ts';
import { mayBeEmpty, type Pattern, someTree, type Tree } from './syntax-tree.ts';

/** `pattern` has one character a byte. Throws PatternError. */
export function compilePortablePcre(pattern: string, switches: PcreSwitches): Matcher {
  return new PortableMatcher(readPcre(pattern, switches), false);
}

/** `pattern` has one character a byte. Throws PatternError. */
export function compilePortablePosix(pattern: string, switches: PosixSwitches): Matcher {
  return new PortableMatcher(readPosix(pattern, switches), true);
}

class PortableMatcher implements Matcher {
  readonly groupCount: number;
  readonly #pattern: Pattern;
  readonly #isLongest: boolean;
  /** RE2 has no way to say "before a line end that is last": such keys are for the other matcher. */
  readonly #hasLastNewline: boolean;
  /** `(a*)*`: Perl's group is empty after the last round, RE2's is not. */
  readonly #hasEmptyRound: boolean;
  readonly #linear: RE2JS | undefined;

  constructor(pattern: Pattern, isLongest: boolean) {
    this.groupCount = pattern.groupCount;
    this.#pattern = pattern;
    this.#isLongest = isLongest;
    this.#hasLastNewline = someTree(
      pattern.tree,
      (one) => one.kind === 'place' && (one.place === 'end-or-last-newline' || one.place === 'line-start-unless-last'),
    );
    this.#hasEmptyRound = !isLongest && someTree(pattern.tree, isEmptyRound);
    this.#linear = compileLinear(pattern, isLongest);
  }

  match(key: Subject, wantedGroups: number): Groups | undefined {
    const isSpecial =
      (this.#hasLastNewline && key.length > 0 && key.bytes[key.length - 1] === 10) ||
      (this.#hasEmptyRound && wantedGroups > 0);
    if (this.#linear === undefined || isSpecial) return matchBounded(this.#pattern, key, this.#isLongest);
    if (wantedGroups === 0) return this.#linear.test(key.text) ? noGroups : undefined;
    const matcher = this.#linear.matcher(key.text);
    if (!matcher.find()) return undefined;
    const groups: (string | undefined)[] = [''];
    for (let number = 1; number <= wantedGroups; number++) groups.push(matcher.group(number) ?? undefined);
    return groups;
  }
}

function isEmptyRound(tree: Tree): boolean {
  return tree.kind === 'repeat' && tree.max > 1 && mayBeEmpty(tree.part) && someTree(tree.part, isGroup);
}

function isGroup(tree: Tree): boolean {
  return tree.kind === 'group';
}

function compileLinear({ tree }: Pattern, isLongest: boolean): RE2JS | undefined {
  const text = writeRe2(tree);
  if (text === undefined) return undefined;
  // Loaded with the first table of patterns that the system's libpcre2 is not there for.
  const { RE2JS: engine } = createRequire(import.meta.url)('re2js') as typeof import('re2js');
  try {
    return engine.compile(text, isLongest ? engine.LONGEST_MATCH : 0);
  } catch {
    // Too large a program: the other matcher has no program.
    return undefined;
  }
}
