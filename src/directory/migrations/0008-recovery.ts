// Where a mailbox's owner gets a link when the password is forgotten, the codes and links that are under way, and the last
// logins of everybody. What the columns mean stands in ../schema.ts and ../administration-schema.ts. Never edited once released.

import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('mailbox')
    .addColumn('recovery_address', 'varchar(330)', (column) => column.notNull().defaultTo(''))
    .execute();
  await db.schema
    .createTable('recovery_start')
    .addColumn('mailbox_id', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('address', 'varchar(330)', (column) => column.notNull())
    .addColumn('digest', 'varchar(64)', (column) => column.notNull())
    .addColumn('expires', 'bigint', (column) => column.notNull())
    .addColumn('tries', 'integer', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('recovery_link')
    .addColumn('digest', 'varchar(64)', (column) => column.primaryKey().notNull())
    .addColumn('mailbox_id', 'integer', (column) => column.notNull())
    .addColumn('address', 'varchar(330)', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addColumn('expires', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('recovery_link_mailbox').on('recovery_link').column('mailbox_id').execute();
  await db.schema
    .createTable('recent_login')
    .addColumn('owner_kind', 'varchar(8)', (column) => column.notNull())
    .addColumn('owner_id', 'integer', (column) => column.notNull())
    .addColumn('outcome', 'varchar(8)', (column) => column.notNull())
    .addColumn('protocol', 'varchar(16)', (column) => column.notNull())
    .addColumn('address', 'varchar(64)', (column) => column.notNull())
    .addColumn('since', 'bigint', (column) => column.notNull())
    .addColumn('time', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('recent_login_key', ['owner_kind', 'owner_id', 'outcome', 'protocol', 'address'])
    .execute();
}
