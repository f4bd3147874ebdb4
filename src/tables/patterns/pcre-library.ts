// Perl-compatible patterns by the system's libpcre2-8, the library that Postfix itself uses: the same answers to the
// last corner. Called as Postfix calls it (no UTF-8, no JIT), but with a lower limit on backtracking, because here
// a match that takes long holds up everybody.
// NOTE: koffi is told these signatures by hand; see lib/native-library.ts.

import { fixedBuffer, type NativeFunction, openNativeLibrary, type Pointer } from '../../lib/native-library.ts';
import { type Groups, type Matcher, MatchLimitError, noGroups, PatternError, type Subject } from './matcher.ts';

/** pcre2api(3): the option bits. */
export const pcreOptions = {
  caseless: 0x0000_0008,
  dollarEndOnly: 0x0000_0010,
  dotAll: 0x0000_0020,
  extended: 0x0000_0080,
  multiline: 0x0000_0400,
  ungreedy: 0x0004_0000,
  anchored: 0x8000_0000,
} as const;

const noMatch = -1;
const captureCount = 4;
// Steps from one start in the key. Measured: 100,000 take 1.7 ms; a pattern that is cubic in the key's length stays
// below 200 ms over all starts. Postfix has the library's 10,000,000.
const matchLimit = 100_000;
const heapLimitKilobytes = 4096;
const names = ['libpcre2-8.so.0', 'libpcre2-8.so', 'libpcre2-8.dylib'];

export class PcreLibrary {
  readonly #compile: NativeFunction;
  readonly #info: NativeFunction;
  readonly #createMatchData: NativeFunction;
  readonly #match: NativeFunction;
  readonly #copyGroup: NativeFunction;
  readonly #errorMessage: NativeFunction;
  readonly #freeMatchData: NativeFunction;
  readonly #freeCode: NativeFunction;
  readonly #matchContext: Pointer;
  /** Gives the library's memory back when nobody holds the pattern any more: a lookup may outlive its table. */
  readonly #unused = new FinalizationRegistry<{ readonly code: Pointer; readonly data: Pointer }>(({ code, data }) => {
    this.#freeMatchData(data);
    this.#freeCode(code);
  });
  // Where the library puts a group's text and its length; matching is synchronous, so that one of each does.
  readonly #size = fixedBuffer(8);
  #text = fixedBuffer(1024);

  constructor(declare: (declaration: string) => NativeFunction) {
    this.#compile = declare(
      'void *pcre2_compile_8(const void *pattern, size_t length, uint32_t options, void *error, void *offset, void *context)',
    );
    this.#info = declare('int pcre2_pattern_info_8(void *code, uint32_t what, void *where)');
    this.#createMatchData = declare('void *pcre2_match_data_create_from_pattern_8(void *code, void *context)');
    this.#match = declare(
      'int pcre2_match_8(void *code, const void *subject, size_t length, size_t start, uint32_t options, void *data, void *context)',
    );
    this.#copyGroup = declare('int pcre2_substring_copy_bynumber_8(void *data, uint32_t number, void *to, void *size)');
    this.#errorMessage = declare('int pcre2_get_error_message_8(int error, void *to, size_t size)');
    this.#freeMatchData = declare('void pcre2_match_data_free_8(void *data)');
    this.#freeCode = declare('void pcre2_code_free_8(void *code)');
    this.#matchContext = declare('void *pcre2_match_context_create_8(void *general)')(null) as Pointer;
    declare('int pcre2_set_match_limit_8(void *context, uint32_t limit)')(this.#matchContext, matchLimit);
    declare('int pcre2_set_heap_limit_8(void *context, uint32_t limit)')(this.#matchContext, heapLimitKilobytes);
  }

  /** `pattern` has one character a byte. Throws PatternError. */
  compile(pattern: string, options: number): Matcher {
    // An empty buffer would be passed as no pointer at all.
    const bytes = Buffer.from(`${pattern}\0`, 'latin1');
    const error = fixedBuffer(8);
    const offset = fixedBuffer(8);
    const code = this.#compile(bytes, pattern.length, options, error, offset, null) as Pointer;
    if (!code) {
      const at = offset.readBigUInt64LE(0);
      throw new PatternError(`error in regex at offset ${at}: ${this.#message(error.readInt32LE(0))}`);
    }
    const data = this.#createMatchData(code, null) as Pointer;
    const count = fixedBuffer(8);
    this.#info(code, captureCount, count);
    const matcher: Matcher = {
      groupCount: count.readUInt32LE(0),
      match: (key, wanted) => this.#run(code, data, key, wanted),
    };
    this.#unused.register(matcher, { code, data });
    return matcher;
  }

  #run(code: Pointer, data: Pointer, key: Subject, wantedGroups: number): Groups | undefined {
    const result = this.#match(code, key.bytes, key.length, 0, 0, data, this.#matchContext) as number;
    if (result === noMatch) return undefined;
    if (result < 0) throw new MatchLimitError(this.#message(result));
    if (wantedGroups === 0) return noGroups;
    const groups: string[] = [''];
    if (this.#text.length <= key.length) this.#text = fixedBuffer(key.length * 2);
    const text = this.#text;
    const size = this.#size;
    size.writeUInt32LE(0, 4);
    for (let number = 1; number <= wantedGroups; number++) {
      size.writeUInt32LE(text.length, 0);
      const isSet = this.#copyGroup(data, number, text, size) === 0;
      groups.push(isSet ? text.toString('latin1', 0, size.readUInt32LE(0)) : '');
    }
    return groups;
  }

  #message(error: number): string {
    const text = fixedBuffer(256);
    const length = this.#errorMessage(error, text, text.length) as number;
    return length > 0 ? text.toString('latin1', 0, length) : `unexpected pcre2 error code ${error}`;
  }
}

/** Undefined where the library or koffi is missing. */
export function openPcreLibrary(): PcreLibrary | undefined {
  const library = openNativeLibrary(names);
  try {
    return library && new PcreLibrary((declaration) => library.func(declaration));
  } catch {
    return undefined;
  }
}
