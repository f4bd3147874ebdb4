// `static:value` answers every key with the value; `fail:reason` cannot answer any (DATABASE_README).
// `static:{ }` has the empty value, which Postfix takes for "could not find out" where it looks addresses up.

import { TemporaryError } from '../lib/temporary-error.ts';
import { insideBraces } from './braces.ts';
import type { LookupResult, Table } from './table.ts';
import { TableError } from './table-error.ts';

export function openStaticTable(text: string): Table {
  const name = `static:${text}`;
  const value = text.startsWith('{') ? betweenBraces(name, text).trim() : text;
  const found: LookupResult = { kind: 'found', value, source: name };
  return { name, kind: 'fixed', lookup: () => Promise.resolve(found) };
}

function betweenBraces(name: string, text: string): string {
  try {
    return insideBraces(text);
  } catch (error) {
    throw new TableError(`${name}: bad static:name syntax: ${(error as Error).message}`);
  }
}

export function openFailTable(text: string): Table {
  const name = `fail:${text}`;
  return { name, kind: 'pattern', lookup: () => Promise.reject(new TemporaryError(`table ${name}: query error`)) };
}
