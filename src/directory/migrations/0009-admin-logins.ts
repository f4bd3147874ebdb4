// When an administrator last logged in, and from where. Never edited once released.

import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('admin')
    .addColumn('last_login', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .alterTable('admin')
    .addColumn('last_login_address', 'varchar(64)', (column) => column.notNull().defaultTo(''))
    .execute();
}
