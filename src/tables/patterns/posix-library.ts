// POSIX patterns by the C library's regcomp(3), which is what Postfix's regexp: tables run on: with GNU's extensions,
// its choice among matches, and its mistakes. Only on glibc with 64 bits, whose structures are known here, and in the
// C locale, in which Postfix runs; Node never leaves it.
// NOTE: koffi is told these signatures by hand; see lib/native-library.ts.

import { fixedBuffer, type NativeFunction, openNativeLibrary } from '../../lib/native-library.ts';
import { type Groups, type Matcher, MatchLimitError, noGroups, PatternError, type Subject } from './matcher.ts';

/** regcomp(3): the flags, as <regex.h> of glibc has them. */
export const posixOptions = { extended: 1, caseless: 2, newline: 4, withoutGroups: 8 } as const;

/**
 * Longer keys are for the caller's other engine. glibc builds its automaton as it goes: `(a|b)*a(a|b){20}$` takes
 * 0.2 ms for each byte of a key made for it.
 */
export const maxPosixKeyBytes = 512;

// The automaton also grows as it goes, up to some 2 KB for each byte of a key made for it, and is never cleared:
// after so many bytes of keys the pattern is compiled anew (30 µs).
const bytesBetweenCompilations = 16_384;
const noMatch = 1;
const regexBytes = 512;
const groupCountOffset = 48;
const localeOfAllCategories = 6;

export class PosixLibrary {
  readonly #compile: NativeFunction;
  readonly #execute: NativeFunction;
  readonly #errorMessage: NativeFunction;
  readonly #free: NativeFunction;
  /** Gives the library's memory back when nobody holds the pattern any more: a lookup may outlive its table. */
  readonly #unused = new FinalizationRegistry<Buffer>((regex) => void this.#free(regex));
  // Where the library puts the groups' places; matching is synchronous, so that one does.
  #places = fixedBuffer(128);

  constructor(declare: (declaration: string) => NativeFunction) {
    this.#compile = declare('int regcomp(void *regex, const void *pattern, int flags)');
    this.#execute = declare('int regexec(const void *regex, const void *key, size_t count, void *groups, int flags)');
    this.#errorMessage = declare('size_t regerror(int error, const void *regex, void *to, size_t size)');
    this.#free = declare('void regfree(void *regex)');
  }

  /** `pattern` has one character a byte. Throws PatternError. */
  compile(pattern: string, options: number): Matcher {
    const bytes = Buffer.from(`${pattern}\0`, 'latin1');
    const regex = fixedBuffer(regexBytes);
    this.#compileInto(regex, bytes, options);
    let matched = 0;
    const matcher: Matcher = {
      groupCount: Number(regex.readBigUInt64LE(groupCountOffset)),
      match: (key, wanted) => {
        matched += key.length + 1;
        if (matched > bytesBetweenCompilations) {
          this.#free(regex);
          this.#compileInto(regex, bytes, options);
          matched = 0;
        }
        return this.#run(regex, key, wanted);
      },
    };
    this.#unused.register(matcher, regex);
    return matcher;
  }

  #compileInto(regex: Buffer, pattern: Buffer, options: number): void {
    regex.fill(0);
    const error = this.#compile(regex, pattern, options) as number;
    if (error !== 0) throw new PatternError(this.#message(error, regex));
  }

  #run(regex: Buffer, key: Subject, wantedGroups: number): Groups | undefined {
    const count = wantedGroups === 0 ? 0 : wantedGroups + 1;
    if (this.#places.length < count * 8) this.#places = fixedBuffer(count * 8);
    const places = count === 0 ? null : this.#places;
    const result = this.#execute(regex, key.bytes, count, places, 0) as number;
    if (result === noMatch) return undefined;
    if (result !== 0) throw new MatchLimitError(this.#message(result, regex));
    if (places === null) return noGroups;
    const groups: string[] = [''];
    for (let number = 1; number <= wantedGroups; number++) {
      const start = places.readInt32LE(number * 8);
      groups.push(start < 0 ? '' : key.bytes.toString('latin1', start, places.readInt32LE(number * 8 + 4)));
    }
    return groups;
  }

  #message(error: number, regex: Buffer): string {
    const text = fixedBuffer(256);
    this.#errorMessage(error, regex, text, text.length);
    return text.toString('latin1', 0, text.indexOf(0));
  }
}

/** Undefined where the C library is another one, or koffi is missing. */
export function openPosixLibrary(): PosixLibrary | undefined {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return undefined;
  const library = openNativeLibrary(['libc.so.6']);
  try {
    library?.func('const char *gnu_get_libc_version()');
    const locale = library?.func('const char *setlocale(int category, const void *locale)')(
      localeOfAllCategories,
      null,
    );
    return library && locale === 'C' ? new PosixLibrary((declaration) => library.func(declaration)) : undefined;
  } catch {
    return undefined;
  }
}
