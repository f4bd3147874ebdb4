// Which keys can a query find at all? Told from the query itself, where it is of the usual kind: the key, or its parts,
// compared with columns. `SELECT goto FROM alias WHERE address = '%s' AND active = 1` finds what `SELECT DISTINCT
// address FROM alias WHERE 1=1 AND active = 1` lists. What is not surely of that kind is not told: an OR, a UNION or
// a function over the key may find more than the columns hold.

import type { Template } from '../key-templates.ts';

export interface KeysQuery {
  readonly query: string;
  /** Undefined for a row with NULL. */
  keyOf(row: readonly (string | null)[]): string | undefined;
}

// `column = '%s'` or `'%s' = column`; the column may be quoted and may have its table before it.
const column = '(?:[`"]?\\w+[`"]?\\.)?[`"]?\\w+[`"]?';
const comparison = new RegExp(`(${column})\\s*=\\s*'%([sud])'|'%([sud])'\\s*=\\s*(${column})`, 'gi');
// `||`: the column may be compared with more than the key.
const unclear = /\|\||\b(?:or|not|union|having|limit|case|exists|except|intersect|like|xor)\b|!|%\d/i;

export function makeKeysQuery({ source }: Pick<Template, 'source'>): KeysQuery | undefined {
  const parts = /^\s*select\s+.+?\s+from\s+(.+?)\s+where\s+(.+?)(?:\s+(?:order|group)\s+by\s.*)?;?\s*$/is.exec(source);
  const [, from, where] = parts ?? [];
  if (from === undefined || where === undefined) return undefined;
  const columns = new Map<string, string>();
  let isClear = true;
  const rest = where.replace(comparison, (_all, left?: string, one?: string, other?: string, right?: string) => {
    const part = (one ?? other ?? '').toLowerCase();
    const name = left ?? right ?? '';
    if (columns.has(part) && columns.get(part) !== name) isClear = false;
    columns.set(part, name);
    return '1=1';
  });
  // Texts in quotes may hold any word; the clauses around them may not.
  const outsideQuotes = `${from} ${rest}`.replace(/'(?:[^']|'')*'/g, "''");
  if (!isClear || unclear.test(outsideQuotes) || /%/.test(`${from}${rest}`) || /\bselect\b/i.test(outsideQuotes)) {
    return undefined;
  }
  const [whole, user, domain] = ['s', 'u', 'd'].map((part) => columns.get(part));
  const list = (names: readonly string[]): string => `SELECT DISTINCT ${names.join(', ')} FROM ${from} WHERE ${rest}`;
  if (whole !== undefined && user === undefined && domain === undefined) {
    return { query: list([whole]), keyOf: ([key]) => key ?? undefined };
  }
  if (whole !== undefined || domain === undefined) return undefined;
  if (user === undefined) return { query: list([domain]), keyOf: ([name]) => (isText(name) ? `@${name}` : undefined) };
  return {
    query: list([user, domain]),
    keyOf: ([one, name]) => (isText(one) && isText(name) ? `${one}@${name}` : undefined),
  };
}

function isText(value: string | null | undefined): value is string {
  return typeof value === 'string';
}
