// `inline:{key=value, {key = value with, commas}}`: a few rows written where the table is named.
// The last of two rows with one key holds, as in Postfix's inline tables.

import { splitList } from '../lib/split-list.ts';
import { type LookupResult, notFound, type Table } from './table.ts';
import { TableError } from './table-error.ts';

export function openInlineTable(text: string): Table {
  const name = `inline:${text}`;
  const rows = new Map<string, LookupResult>();
  for (const [key, value] of readRows(name, text)) rows.set(key.toLowerCase(), { kind: 'found', value, source: name });
  return { name, kind: 'fixed', lookup: (key) => Promise.resolve(rows.get(key.toLowerCase()) ?? notFound) };
}

function readRows(name: string, text: string): [string, string][] {
  const elements = text.startsWith('{') && text.endsWith('}') ? splitList(text.slice(1, -1)) : [];
  if (elements.length === 0) throw new TableError(`${name}: bad syntax; need "inline:{name=value...}"`);
  return elements.map((element) => {
    const inner = element.startsWith('{') && element.endsWith('}') ? element.slice(1, -1) : element;
    const equals = inner.indexOf('=');
    const key = inner.slice(0, equals).trim();
    const value = inner.slice(equals + 1).trim();
    if (equals === -1 || key === '' || value === '') {
      throw new TableError(`${name}: missing '=', key or value in "${element}"; need "inline:{name=value...}"`);
    }
    return [key, value];
  });
}
