// Maintenance of mailboxes and domains, and what a mailbox may send. What the columns mean stands in ../schema.ts. Never
// edited once released.

import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of ['domain', 'mailbox']) {
    await db.schema
      .alterTable(table)
      .addColumn('maintenance', 'varchar(255)', (column) => column.notNull().defaultTo(''))
      .execute();
  }
  for (const name of ['message_limit', 'recipient_limit']) {
    await db.schema
      .alterTable('mailbox')
      .addColumn(name, 'integer', (column) => column.notNull().defaultTo(-1))
      .execute();
  }
}
