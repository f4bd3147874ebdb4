// `regexp:/file` and `regexp:{ {/re/ result}, ... }`: POSIX patterns (regexp_table(5)). Matched by the C library where
// it is glibc, else, and for keys that are too long for it, by our own reading of the pattern (patterns/portable.ts).

import { type Matcher, MatchLimitError, PatternError } from './patterns/matcher.ts';
import { compilePortablePosix } from './patterns/portable.ts';
import { maxPosixKeyBytes, openPosixLibrary, type PosixLibrary, posixOptions } from './patterns/posix-library.ts';
import { isToggled, type PatternDialect, type PatternSource } from './pattern-rules.ts';

/** `library` false: the portable engine only. */
export function regexpDialect(library = true): PatternDialect {
  let posix: PosixLibrary | undefined | false = library ? undefined : false;
  return {
    type: 'regexp',
    flags: 'imx',
    hasSecondPattern: true,
    compile: (source, needsGroups): Matcher => {
      if (posix === undefined) posix = openPosixLibrary() ?? false;
      if (posix === false) return portable(source);
      return new LibraryMatcher(posix.compile(source.text, bits(source, needsGroups)), source);
    },
  };
}

/** Asks the C library where that takes a bounded time: short keys, and no `\1`, for which it tries all ways. */
class LibraryMatcher implements Matcher {
  readonly groupCount: number;
  readonly #library: Matcher;
  readonly #source: PatternSource;
  readonly #hasBackreference: boolean;
  #portable: Matcher | undefined;

  constructor(library: Matcher, source: PatternSource) {
    this.groupCount = library.groupCount;
    this.#library = library;
    this.#source = source;
    this.#hasBackreference = /\\[1-9]/.test(source.text);
    if (this.#hasBackreference) this.#portable = portable(source);
  }

  match(key: Parameters<Matcher['match']>[0], wanted: number): ReturnType<Matcher['match']> {
    if (!this.#hasBackreference && key.length <= maxPosixKeyBytes) return this.#library.match(key, wanted);
    return this.#otherEngine().match(key, wanted);
  }

  #otherEngine(): Matcher {
    try {
      this.#portable ??= portable(this.#source);
      return this.#portable;
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      throw new MatchLimitError(`the key is too long for this pattern (${error.message})`);
    }
  }
}

function portable(source: PatternSource): Matcher {
  const { flags, text } = source;
  return compilePortablePosix(text, {
    caseless: !isToggled(flags, 'i'),
    newline: isToggled(flags, 'm'),
    extended: !isToggled(flags, 'x'),
  });
}

function bits({ flags }: PatternSource, needsGroups: boolean): number {
  return (
    (isToggled(flags, 'x') ? 0 : posixOptions.extended) |
    (isToggled(flags, 'i') ? 0 : posixOptions.caseless) |
    (isToggled(flags, 'm') ? posixOptions.newline : 0) |
    (needsGroups ? 0 : posixOptions.withoutGroups)
  );
}
