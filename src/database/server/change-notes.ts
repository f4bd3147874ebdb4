// What a server notes of every change, whoever makes it, so that others can follow:
//
// change_state     one row: `revision` grows with each change; the row is locked until the change is committed, so that the
//                  order of the revisions is the order of the commits. `stamp` is a number by chance, new with each
//                  revision: a server that has lost revisions and given them again is recognized by it. `version` is the schema's.
//                  Changes up to `pruned` are no longer in the log. `status` is 'filling' while a move into it has not ended.
// change_log       which row changed at a revision: its table and its key, a JSON array. The rows themselves tell the rest.
// change_sequence  the last id given in each table that never gives one again.
//
// Nodes of ours note their changes themselves, once for many rows; for everybody else triggers do it. `posthaste.node` and
// @posthaste_node tell them apart.

import { mysqlNotes } from '../mysql/change-notes.ts';
import { postgresNotes } from '../postgresql/change-notes.ts';
import { quoteName, type ServerSession } from './server-session.ts';
import type { TableShape } from './table-shape.ts';

/** Makes the tables of the notes where they are missing; each statement may be repeated. */
export async function createNoteTables(session: ServerSession): Promise<void> {
  const { dialect, collation } = session;
  const isMysql = dialect === 'mysql';
  const text = isMysql ? 'longtext' : `text COLLATE ${collation}`;
  const name = isMysql ? 'varchar(64)' : `varchar(64) COLLATE ${collation}`;
  const serial = isMysql ? 'bigint NOT NULL AUTO_INCREMENT' : 'bigint GENERATED ALWAYS AS IDENTITY';
  const options = isMysql ? ` ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=${collation}` : '';
  const create = async (table: string, columns: string): Promise<void> => {
    await session.query(`CREATE TABLE IF NOT EXISTS "${table}" (${columns})${options}`);
  };
  await create(
    'change_state',
    `"id" integer NOT NULL PRIMARY KEY, "revision" bigint NOT NULL, "stamp" bigint NOT NULL, "version" integer NOT NULL,
     "pruned" bigint NOT NULL, "status" ${name} NOT NULL, "writer" ${name} NOT NULL`,
  );
  await create(
    'change_log',
    `"seq" ${serial}, "revision" bigint NOT NULL, "stamp" bigint NOT NULL, "tbl" ${name} NOT NULL, "row_key" ${text} NOT NULL,
     PRIMARY KEY ("seq")`,
  );
  await create('change_sequence', `"name" ${name} NOT NULL PRIMARY KEY, "value" bigint NOT NULL`);
  if (!(await hasIndex(session)))
    await session.query('CREATE INDEX change_log_revision ON change_log ("revision", "seq")');
  const ignore = isMysql ? 'INSERT IGNORE' : 'INSERT';
  const conflict = isMysql ? '' : ' ON CONFLICT DO NOTHING';
  await session.query(`${ignore} INTO change_state VALUES (1, 1, ${someStamp(session)}, 0, 1, '', '')${conflict}`);
}

async function hasIndex(session: ServerSession): Promise<boolean> {
  const sql =
    session.dialect === 'mysql'
      ? `SELECT 1 FROM information_schema.statistics
         WHERE table_schema = database() AND table_name = 'change_log' AND index_name = 'change_log_revision'`
      : "SELECT 1 FROM pg_indexes WHERE schemaname = current_schema() AND indexname = 'change_log_revision'";
  return (await session.query(sql)).rows.length > 0;
}

/** A number by chance, as the dialect writes it. */
export function someStamp({ dialect }: Pick<ServerSession, 'dialect'>): string {
  return dialect === 'mysql' ? 'FLOOR(RAND() * 9007199254740991)' : 'floor(random() * 9007199254740991)::bigint';
}

/** Makes (anew) the triggers of all tables, and the sequences that are missing. */
export async function createNoteTriggers(session: ServerSession, shapes: readonly TableShape[]): Promise<void> {
  const statements = session.dialect === 'mysql' ? mysqlNotes(shapes) : postgresNotes(shapes);
  for (const statement of statements) await session.query(statement);
  for (const { name, hasSequence } of shapes) {
    if (!hasSequence) continue;
    const { rows } = await session.query('SELECT 1 FROM change_sequence WHERE "name" = ?', [name]);
    if (rows.length > 0) continue;
    const last = `SELECT ?, coalesce(max("id"), 0) FROM ${quoteName(name)}`;
    await session.query(`INSERT INTO change_sequence ("name", "value") ${last}`, [name]);
  }
}

/** From this revision on: whoever stands at an earlier one copies everything anew. */
export async function forgetLog(session: ServerSession): Promise<void> {
  await session.query('UPDATE change_state SET "pruned" = "revision" WHERE "id" = 1');
  await session.query(
    `INSERT INTO change_log ("revision", "stamp", "tbl", "row_key")
     SELECT "revision", "stamp", '', '[]' FROM change_state WHERE "id" = 1`,
  );
}
