// What a server says it can do: the lines of its EHLO reply (RFC 5321 §4.1.1.1), without what it does not get right.

/** EHLO keywords (upper case) and their parameters. */
export type Features = ReadonlyMap<string, string>;

export function parseFeatures(lines: readonly string[]): Features {
  const features = new Map<string, string>();
  for (const line of lines) {
    // `AUTH=PLAIN` is what some old clients wanted; servers that say it mostly say `AUTH PLAIN` too.
    const [, keyword = '', parameters = ''] = /^([^\s=]*)[\s=]*(.*)$/.exec(line) ?? [];
    const name = keyword.toUpperCase();
    const before = name === 'AUTH' ? features.get(name) : undefined;
    features.set(name, before === undefined ? parameters : `${before} ${parameters}`);
  }
  return features;
}

/** smtp_discard_ehlo_keywords: `discarded` in lower case. `note` is told unless `silent-discard` is among them. */
export function withoutDiscarded(
  features: Features,
  discarded: ReadonlySet<string>,
  note: (text: string) => void,
): Features {
  const names = [...features.keys()].filter((name) => discarded.has(name.toLowerCase()));
  if (names.length === 0) return features;
  if (!discarded.has('silent-discard')) note(`discarding EHLO keywords: ${names.join(' ')}`);
  return new Map([...features].filter(([name]) => !names.includes(name)));
}
