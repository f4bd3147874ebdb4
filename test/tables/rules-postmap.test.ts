// A fixed sample of random rule tables beside the real postmap, and of random patterns in our own engines beside the
// libraries of the system.

import { describe, expect, test } from 'vitest';
import {
  MatchLimitError,
  type Groups,
  type Matcher,
  PatternError,
  Subject,
} from '../../src/tables/patterns/matcher.ts';
import { openPcreLibrary } from '../../src/tables/patterns/pcre-library.ts';
import { openPosixLibrary } from '../../src/tables/patterns/posix-library.ts';
import { pcreDialect } from '../../src/tables/pcre-table.ts';
import { regexpDialect } from '../../src/tables/regexp-table.ts';
import { Random } from '../harness/random.ts';
import { noRealPostmap } from '../harness/real-postmap.ts';
import { type PatternType, randomFlags, randomKey, randomPattern } from './random-patterns.ts';
import { compareRandomRules } from './rules-postmap.ts';

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostmap !== undefined)(
  `beside postmap (${noRealPostmap ?? 'packages postfix, postfix-pcre'})`,
  () => {
    test('random pcre:, regexp: and cidr: tables answer and complain alike', async () => {
      expect(await compareRandomRules(90, 5000)).toEqual([]);
    });
  },
);

/** Our engine's groups beside the library's; "refused" where ours names the library. */
function compareEngines(type: PatternType, count: number, seed: number): string[] {
  const [library, own] =
    type === 'pcre' ? [pcreDialect(), pcreDialect(false)] : [regexpDialect(), regexpDialect(false)];
  const random = new Random(seed);
  const differences: string[] = [];
  const compile = (dialect: typeof library, text: string, flags: string): Matcher | string => {
    try {
      return dialect.compile({ isNegated: false, text, flags }, true, () => undefined);
    } catch (error) {
      if (error instanceof PatternError) return error.message;
      throw error;
    }
  };
  for (let index = 0; index < count; index++) {
    const text = Buffer.from(randomPattern(random, type)).toString('latin1');
    const flags = randomFlags(random, type);
    const [theirs, ours] = [compile(library, text, flags), compile(own, text, flags)];
    if (typeof ours === 'string' && ours.includes('libpcre2-8')) continue;
    if (typeof theirs === 'string' || typeof ours === 'string') {
      if (typeof theirs !== typeof ours) differences.push(`${text} ${flags}: compiled by one only`);
      continue;
    }
    for (let keys = 0; keys < 6; keys++) {
      const key = new Subject(randomKey(random));
      const [a, b] = [show(() => theirs.match(key, theirs.groupCount)), show(() => ours.match(key, ours.groupCount))];
      if (a !== b) differences.push(`${text} ${flags} on "${key.text}": ${a} / ${b}`);
    }
  }
  return differences;
}

function show(match: () => Groups | undefined): string {
  try {
    const groups = match();
    return groups === undefined ? 'no match' : JSON.stringify(groups.slice(1).map((group) => group ?? ''));
  } catch (error) {
    if (error instanceof MatchLimitError) return 'limit';
    throw error;
  }
}

// Skipped where libpcre2-8 cannot be called (no koffi or no library); CI has both and counts a skip as a failure.
test.skipIf(openPcreLibrary() === undefined)('our engine matches as libpcre2-8 does', () => {
  expect(compareEngines('pcre', 1500, 3)).toEqual([]);
});

// Skipped where glibc's regcomp cannot be called (no koffi, or not glibc); CI has both and counts a skip as a failure.
test.skipIf(openPosixLibrary() === undefined)('our engine matches as the regexec of glibc does', () => {
  expect(compareEngines('regexp', 1500, 3)).toEqual([]);
});
