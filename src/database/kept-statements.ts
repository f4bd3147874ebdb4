// Keeps prepared statements for Kysely, which prepares each anew at every use: that costs more than most of them take to
// run, and the memory is given back only when the garbage collector comes to it. A schema that changes meanwhile, also by
// another process, is no danger: SQLite prepares a kept statement again, and its columns are then read again.

import type { SqliteConnection, Statement } from './sqlite.ts';

/** Each holds some KiB. */
const maxKept = 200;
/** Those of some hundred rows: each holds up to a few hundred KiB. */
const maxLongKept = 24;
const longCharacters = 4000;

export interface StatementSource {
  close(): void;
  prepare(sql: string): Statement;
}

/** For what runs each statement to its end at once; not for one that reads row by row and waits in between. */
export function withKeptStatements(connection: SqliteConnection): StatementSource {
  const kept = new Map<string, Statement>();
  const keptLong = new Map<string, Statement>();
  return {
    close: () => connection.close(),
    prepare: (sql) => {
      const [statements, most] = sql.length < longCharacters ? [kept, maxKept] : [keptLong, maxLongKept];
      const known = statements.get(sql);
      statements.delete(sql);
      const statement = known ?? connection.prepare(sql);
      statements.set(sql, statement);
      if (statements.size > most) {
        const [oldest = ''] = statements.keys();
        statements.delete(oldest);
      }
      return statement;
    },
  };
}
