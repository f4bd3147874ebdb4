// The name of a webhook is one for its owner, no longer for the whole host: of another's nobody learns by a name that is taken.
// SQLite cannot take a UNIQUE column back, so the table is made anew, by the same statements everywhere. Never edited once released.

import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('webhook_new')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('name', 'varchar(64)', (column) => column.notNull())
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('secret', 'varchar(64)', (column) => column.notNull())
    .addColumn('owner_id', 'integer', (column) => column.notNull())
    .addColumn('events', 'varchar(1024)', (column) => column.notNull())
    .addColumn('active', 'integer', (column) => column.notNull())
    .addColumn('note', 'varchar(255)', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('failing_since', 'bigint', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('next_attempt', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('webhook_owner_name', ['owner_id', 'name'])
    .execute();
  const columns = sql.raw(
    'id, name, url, secret, owner_id, events, active, note, created, position, failing_since, attempts, next_attempt',
  );
  await sql`INSERT INTO webhook_new (${columns}) SELECT ${columns} FROM webhook`.execute(db);
  // What waited for webhooks of administrators who are gone: a number may be given again in the new table.
  await sql`DELETE FROM webhook_message WHERE webhook_id NOT IN (SELECT id FROM webhook_new)`.execute(db);
  await db.schema.dropTable('webhook').execute();
  await db.schema.alterTable('webhook_new').renameTo('webhook').execute();
}
