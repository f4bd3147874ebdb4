// `static:value` answers every key with the value; `fail:reason` cannot answer any (DATABASE_README).

import { TemporaryError } from '../lib/temporary-error.ts';
import type { LookupResult, Table } from './table.ts';
import { TableError } from './table-error.ts';

export function openStaticTable(text: string): Table {
  const name = `static:${text}`;
  const isBraced = text.startsWith('{');
  if (isBraced && !text.endsWith('}')) throw new TableError(`${name}: syntax error after '}'`);
  const value = isBraced ? text.slice(1, -1).trim() : text;
  if (value === '') throw new TableError(`${name}: expecting "type:name" form`);
  const found: LookupResult = { kind: 'found', value, source: name };
  return { name, kind: 'fixed', lookup: () => Promise.resolve(found) };
}

export function openFailTable(text: string): Table {
  const name = `fail:${text}`;
  return { name, kind: 'pattern', lookup: () => Promise.reject(new TemporaryError(`table ${name}: query error`)) };
}
