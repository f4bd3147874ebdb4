// The words of an address (its query): those that are given change, those that have no meaning any more leave it.

export function knownWords<Name extends string>(
  now: Readonly<Partial<Record<Name, string>>>,
  changes: Readonly<Partial<Record<Name, string | undefined>>>,
): Partial<Record<Name, string>> {
  const words: Partial<Record<Name, string>> = {};
  for (const [name, value] of Object.entries({ ...now, ...changes }) as [Name, string | undefined][]) {
    if (value !== undefined && value !== '') words[name] = value;
  }
  return words;
}
