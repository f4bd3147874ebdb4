// Keeps prepared INSERT statements for Kysely, which prepares each anew: one of some hundred rows is dear to prepare, and
// its memory is given back only when the garbage collector comes to it. Others are left alone: what `SELECT *` gives
// changes with the schema.

import type { SqliteConnection, Statement } from './sqlite.ts';

/** Each holds up to a few hundred KiB. */
const maxKept = 32;

export function withKeptStatements(connection: SqliteConnection): {
  close(): void;
  prepare(sql: string): Statement;
} {
  const kept = new Map<string, Statement>();
  return {
    close: () => connection.close(),
    prepare: (sql) => {
      if (!sql.startsWith('insert into ')) return connection.prepare(sql);
      const known = kept.get(sql);
      kept.delete(sql);
      const statement = known ?? connection.prepare(sql);
      kept.set(sql, statement);
      const [oldest] = kept.keys();
      if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest);
      return statement;
    },
  };
}
