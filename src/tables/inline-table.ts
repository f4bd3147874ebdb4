// `inline:{key=value, {key = value with, commas}}`: a few rows written where the table is named.
// The last of two rows with one key holds, as in Postfix's inline tables.

import { foldKey } from '../address/form.ts';
import { splitList } from '../lib/split-list.ts';
import { insideBraces } from './braces.ts';
import { type Found, notFound, type Table } from './table.ts';
import { TableError } from './table-error.ts';

export function openInlineTable(text: string): Table {
  const name = `inline:${text}`;
  const rows = new Map<string, Found>();
  for (const [key, value] of readRows(name, text)) rows.set(foldKey(key), { kind: 'found', value, source: name });
  return {
    name,
    kind: 'fixed',
    lookup: (key) => Promise.resolve(rows.get(foldKey(key)) ?? notFound),
    async *entries() {
      for (const [key, { value }] of rows) yield { key, value };
    },
  };
}

function readRows(name: string, text: string): [string, string][] {
  try {
    const elements = splitList(insideBraces(text));
    if (elements.length === 0) throw new RangeError('bad syntax: empty table');
    return elements.map(readRow);
  } catch (error) {
    throw new TableError(`${name}: ${(error as Error).message}; need "inline:{name=value...}"`);
  }
}

/** `key=value`, or with blanks and commas in the value `{ key = value }`. */
function readRow(element: string): [string, string] {
  const inner = element.startsWith('{') ? insideBraces(element) : element;
  const equals = inner.indexOf('=');
  const key = inner.slice(0, equals).trim();
  if (equals === -1) throw new RangeError(`missing '=' after attribute name in "${element}"`);
  if (key === '') throw new RangeError(`missing attribute name in "${element}"`);
  // NOTE: an empty value is a row; whoever finds it takes it for "could not find out".
  return [key, inner.slice(equals + 1).trim()];
}
