// The `.cf` file of an SQL or LDAP table (mysql_table(5), pgsql_table(5), sqlite_table(5), ldap_table(5)): its
// parameters with their lines, and its query, the old style without `query` included.

import { readLogicalLines } from '../lib/logical-lines.ts';
import { splitNameValue } from '../settings/main-cf.ts';
import type { MachineFiles } from './machine-files.ts';
import type { Place } from './rule.ts';
import type { TableUse } from './table-uses.ts';

export interface SqlParameter extends Place {
  readonly name: string;
  readonly value: string;
}

export interface SqlSource {
  readonly file: string;
  readonly type: string;
  /** Readable for everyone on the machine. */
  readonly isWorldReadable: boolean;
  readonly parameters: ReadonlyMap<string, SqlParameter>;
  /** Lines that are no `name = value`. */
  readonly problems: readonly (Place & { readonly text: string })[];
  /** The query, or what the old parameters make of it; '' where there is none. */
  readonly query: string;
  /** Where the query stands. */
  readonly queryPlace: Place;
}

/** Undefined where the table's parameters stand in main.cf (its name is no path) or the file cannot be read. */
export function readSqlSource(use: TableUse, files: MachineFiles): SqlSource | undefined {
  if (!use.name.includes('/') && !use.name.startsWith('.')) return undefined;
  const read = files.read(use.name);
  if (read.kind === 'failed') return undefined;
  const file = read.path;
  const parameters = new Map<string, SqlParameter>();
  const problems: (Place & { text: string })[] = [];
  for (const { text, line } of readLogicalLines(read.text)) {
    const split = splitNameValue(text);
    if (typeof split === 'string') problems.push({ file, line, text: split });
    else parameters.set(split.name, { ...split, file, line });
  }
  const mode = files.stat(use.name)?.mode ?? 0;
  const query = parameters.get('query');
  return {
    file,
    type: use.type,
    isWorldReadable: (mode & 0o004) !== 0,
    parameters,
    problems,
    query: query?.value ?? oldStyleQuery(parameters),
    queryPlace: query ?? parameters.get('select_field') ?? { file, line: 0 },
  };
}

function oldStyleQuery(parameters: ReadonlyMap<string, SqlParameter>): string {
  const value = (name: string): string => parameters.get(name)?.value ?? '';
  if (value('table') === '' || value('select_field') === '' || value('where_field') === '') return '';
  const more = value('additional_conditions');
  return `SELECT ${value('select_field')} FROM ${value('table')} WHERE ${value('where_field')}='%s' ${more}`.trim();
}

/** Which of the letters after `%` a query uses: `s`, `u`, `d` ... */
export function queryLetters(query: string): Set<string> {
  return new Set([...query.replaceAll('%%', '').matchAll(/%([a-zA-Z0-9])/g)].map((match) => match[1] ?? ''));
}
