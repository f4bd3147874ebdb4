// Columns that contain what somebody has typed into a search field. One domain's rows are looked through in the order of
// their index: no pattern that a stranger writes means anything.

import { type RawBuilder, sql } from 'kysely';
import type { SqlBool } from 'kysely';

/** Whatever the case of ASCII letters. */
export function contains(search: string): (column: string) => RawBuilder<SqlBool> {
  const text = search.toLowerCase();
  return (column) => sql<SqlBool>`instr(lower(${sql.ref(column)}), ${text}) > 0`;
}
