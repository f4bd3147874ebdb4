// What the name of a message's file says: `1700000000.M1P2.host,S=1234,W=1260:2,FSab`. Before the colon stands what never
// changes (https://cr.yp.to/proto/maildir.html), with Dovecot's and Courier's sizes at its end; behind `:2,` the flags, and
// Dovecot's keywords as the letters a to z, which dovecot-keywords explains (keyword-list.ts).

export interface MessageName {
  /** What the uid list calls the file by. */
  readonly base: string;
  /** `base` without sizes, which tools may add later. */
  readonly unique: string;
  /** `\Seen` and so on; letters that mean nothing to IMAP are left out. */
  readonly flags: readonly string[];
  /** Numbers of keywords. */
  readonly keywords: readonly number[];
  /** Octets of the file, line ends as they stand in it. */
  readonly size: number | undefined;
}

// In alphabetical order, as the letters must stand. P is "passed": sent on to somebody.
const flagLetters: readonly (readonly [letter: string, flag: string])[] = [
  ['D', '\\Draft'],
  ['F', '\\Flagged'],
  ['P', '$Forwarded'],
  ['R', '\\Answered'],
  ['S', '\\Seen'],
  ['T', '\\Deleted'],
];

const flagsByLetter = new Map(flagLetters);
const lettersByFlag = new Map(
  flagLetters.filter(([, flag]) => flag.startsWith('\\')).map(([letter, flag]) => [flag, letter]),
);
const firstKeyword = 'a'.charCodeAt(0);

/** As many as there are letters. */
export const maxNamedKeywords = 26;

export function parseMessageName(name: string): MessageName {
  const colon = name.lastIndexOf(':2,');
  const base = colon === -1 ? name : name.slice(0, colon);
  const letters = colon === -1 ? '' : name.slice(colon + 3);
  const flags = new Set<string>();
  const keywords = new Set<number>();
  for (const letter of letters) {
    const flag = flagsByLetter.get(letter);
    if (flag !== undefined) flags.add(flag);
    else if (letter >= 'a' && letter <= 'z') keywords.add(letter.charCodeAt(0) - firstKeyword);
  }
  const size = /,S=(\d{1,15})(?:,|$)/.exec(base)?.[1];
  return {
    base,
    unique: base.replaceAll(/,[SW]=\d+(?=,|$)/g, ''),
    flags: [...flags],
    keywords: [...keywords],
    size: size === undefined ? undefined : Number(size),
  };
}

/** `:2,FSab`: system flags, and keywords by their number; others than these have no letter. */
export function printFlags(flags: readonly string[], keywords: readonly number[]): string {
  const letters = flags.map((flag) => lettersByFlag.get(flag) ?? '');
  const named = keywords.filter((number) => number < maxNamedKeywords);
  const all = [...letters, ...named.map((number) => String.fromCharCode(firstKeyword + number))];
  return `:2,${all.toSorted().join('')}`;
}
