// Who may send as an address beyond those who receive its mail, and who may not although they do. What the columns mean
// stands in ../schema.ts. Never edited once released.

import type { Kysely } from 'kysely';
import { sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sender_right')
    .addColumn('domain', 'varchar(255)', (column) => column.notNull())
    .addColumn('localpart', 'varchar(64)', (column) => column.notNull())
    .addColumn('login', 'varchar(320)', (column) => column.notNull())
    .addColumn('shown', 'varchar(330)', (column) => column.notNull())
    .addColumn('allowed', 'integer', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('sender_right_key', ['domain', 'localpart', 'login'])
    .modifyEnd(sql`without rowid`)
    .execute();
  await db.schema.createIndex('sender_right_login').on('sender_right').columns(['login', 'domain']).execute();
}
