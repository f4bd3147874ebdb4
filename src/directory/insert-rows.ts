// Many rows in one statement: worded here, since Kysely looks at each value of each row by itself, which for an import costs
// half as much as SQLite's own work.

import { CompiledQuery } from 'kysely';
import type { DirectoryDatabase } from './database.ts';
import type { DirectorySchema } from './schema.ts';

type Value = string | number | null;

/** All rows have the same columns, those of the first. Gives back the named columns, in no order. */
export async function insertRows<Returned extends object = object>(
  db: DirectoryDatabase,
  table: keyof DirectorySchema,
  rows: readonly Readonly<Record<string, Value>>[],
  returning: readonly (keyof Returned & string)[] = [],
): Promise<readonly Returned[]> {
  const [first] = rows;
  if (first === undefined) return [];
  const columns = Object.keys(first);
  const places = `(${columns.map(() => '?').join(', ')})`;
  const names = (list: readonly string[]): string => list.map((name) => `"${name}"`).join(', ');
  const values = `${`${places}, `.repeat(rows.length - 1)}${places}`;
  const end = returning.length === 0 ? '' : ` returning ${names(returning)}`;
  const text = `insert into "${table}" (${names(columns)}) values ${values}${end}`;
  const parameters = rows.flatMap((row) => columns.map((name) => row[name] as Value));
  return (await db.executeQuery<Returned>(CompiledQuery.raw(text, parameters))).rows;
}
