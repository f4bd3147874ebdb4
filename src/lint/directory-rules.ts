// The access rules of the directory as rows of a table, so that what is said of other access tables is said of them too.

import type { LookupResult, Table } from '../tables/table.ts';
import { notFound } from '../tables/table.ts';
import type { DirectoryRules } from './context.ts';
import type { TableContents } from './rows.ts';
import type { TableUse } from './table-uses.ts';

/** Undefined where they are not known: no directory, or another of its tables. */
export function readRules(use: TableUse, rules: DirectoryRules | undefined): TableContents | undefined {
  const found = use.type === 'directory' ? rules?.get(`directory:${use.name}`) : undefined;
  if (found === undefined) return undefined;
  const file = `directory:${use.name}`;
  const rows = found.map(([pattern, action]) => {
    return { file, line: 0, lastLine: 0, key: pattern, folded: pattern, value: action };
  });
  return { kind: 'rows', rows, problems: [], file, source: '' };
}

/** As a table that can be asked. */
export function openRules(name: string, rules: DirectoryRules | undefined): Table | undefined {
  const found = rules?.get(name);
  if (found === undefined) return undefined;
  const actions = new Map(found);
  const answer = (key: string): LookupResult => {
    const value = actions.get(key.toLowerCase());
    return value === undefined ? notFound : { kind: 'found', value, source: name };
  };
  return { name, kind: 'fixed', lookup: async (key) => answer(key) };
}
