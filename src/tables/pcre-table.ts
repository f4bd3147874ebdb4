// `pcre:/file` and `pcre:{ {/re/ result}, ... }`: Perl-compatible patterns (pcre_table(5)). Matched by the system's
// libpcre2 where there is one, else by our own reading of the pattern (patterns/portable.ts).

import { type Matcher } from './patterns/matcher.ts';
import { openPcreLibrary, type PcreLibrary, pcreOptions } from './patterns/pcre-library.ts';
import { compilePortablePcre } from './patterns/portable.ts';
import type { PcreSwitches } from './patterns/read-pcre.ts';
import { isToggled, type PatternDialect, type PatternSource } from './pattern-rules.ts';

/** `X` was PCRE's "extra" check of escapes, which the library has dropped. */
const letters = 'imsxAEUX';

/** `library` false: the portable engine only. */
export function pcreDialect(library = true): PatternDialect {
  let pcre: PcreLibrary | undefined | false = library ? undefined : false;
  return {
    type: 'pcre',
    flags: letters,
    hasSecondPattern: false,
    compile: (source, _needsGroups, warn): Matcher => {
      if (source.flags.includes('X')) warn('ignoring obsolete regexp option "X"');
      // Loaded with the first pattern: most installations have none.
      if (pcre === undefined) pcre = openPcreLibrary() ?? false;
      return pcre === false
        ? compilePortablePcre(source.text, switches(source))
        : pcre.compile(source.text, bits(source));
    },
  };
}

/** Case does not count and `.` matches a line end, unless the flag is there. */
function switches({ flags }: PatternSource): PcreSwitches {
  return {
    caseless: !isToggled(flags, 'i'),
    multiline: isToggled(flags, 'm'),
    dotAll: !isToggled(flags, 's'),
    extended: isToggled(flags, 'x'),
    anchored: isToggled(flags, 'A'),
    dollarEndOnly: isToggled(flags, 'E'),
    ungreedy: isToggled(flags, 'U'),
  };
}

function bits(source: PatternSource): number {
  let sum = 0;
  for (const [name, isOn] of Object.entries(switches(source))) {
    if (isOn) sum += pcreOptions[name as keyof typeof pcreOptions];
  }
  return sum;
}
