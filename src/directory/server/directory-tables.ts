// The tables of the directory as rows are copied between databases, told by the migrations themselves: they are made once in
// memory and looked at.

import { Kysely, SqliteDialect } from 'kysely';
import { openSqlite } from '../../database/sqlite.ts';
import { readTableShapes, type TableShape } from '../../database/server/table-shape.ts';
import { createMigrationTable, type Migration, migrations } from '../database.ts';

/** Of this version, by name. */
export async function directoryTables(made: readonly Migration[] = migrations): Promise<TableShape[]> {
  const connection = openSqlite(':memory:');
  try {
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: connection }) });
    await createMigrationTable(db);
    for (const migration of made) await migration.up(db);
    return readTableShapes(connection, ['migration']);
  } finally {
    connection.close();
  }
}
