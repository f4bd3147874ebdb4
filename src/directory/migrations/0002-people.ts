// Vacations of mailboxes, and mailing lists. What the columns mean stands in ../schema.ts. Never edited once released.

import type { Kysely } from 'kysely';
import { sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('mailbox')
    .addColumn('vacation_until', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .createTable('vacation')
    .addColumn('mailbox_id', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('subject', 'varchar(255)', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('starts', 'bigint', (column) => column.notNull())
    .addColumn('ends', 'bigint', (column) => column.notNull())
    .addColumn('days', 'integer', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('list')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('domain_id', 'integer', (column) => column.notNull())
    .addColumn('localpart', 'varchar(64)', (column) => column.notNull())
    .addColumn('shown', 'varchar(330)', (column) => column.notNull())
    .addColumn('name', 'varchar(255)', (column) => column.notNull())
    .addColumn('post', 'varchar(16)', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('list_address', ['domain_id', 'localpart'])
    .execute();
  await db.schema
    .createTable('list_person')
    .addColumn('list_id', 'integer', (column) => column.notNull())
    .addColumn('role', 'varchar(8)', (column) => column.notNull())
    .addColumn('domain', 'varchar(255)', (column) => column.notNull())
    .addColumn('localpart', 'varchar(64)', (column) => column.notNull())
    .addColumn('address', 'varchar(330)', (column) => column.notNull())
    .addPrimaryKeyConstraint('list_person_key', ['list_id', 'role', 'domain', 'localpart'])
    .modifyEnd(sql`without rowid`)
    .execute();
  await db.schema
    .createIndex('list_person_address')
    .on('list_person')
    .columns(['domain', 'localpart', 'list_id'])
    .execute();
}
