// App passwords, the keys of SCRAM, and secrets of the installation. What the columns mean stands in ../schema.ts.
// Never edited once released.

import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('app_password')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('mailbox_id', 'integer', (column) => column.notNull())
    .addColumn('name', 'varchar(64)', (column) => column.notNull())
    .addColumn('digest', 'varchar(64)', (column) => column.notNull())
    .addColumn('secret', 'varchar(64)', (column) => column.notNull())
    .addColumn('protocols', 'varchar(64)', (column) => column.notNull())
    .addColumn('senders', 'text', (column) => column.notNull())
    .addColumn('expires', 'bigint', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addColumn('used', 'bigint', (column) => column.notNull())
    .addColumn('used_protocol', 'varchar(16)', (column) => column.notNull())
    .addColumn('used_address', 'varchar(64)', (column) => column.notNull())
    .addUniqueConstraint('app_password_name', ['mailbox_id', 'name'])
    .execute();
  await db.schema
    .createTable('scram_key')
    .addColumn('mailbox_id', 'integer', (column) => column.notNull())
    .addColumn('hash', 'varchar(8)', (column) => column.notNull())
    .addColumn('app_password_id', 'integer', (column) => column.notNull())
    .addColumn('made_of', 'varchar(64)', (column) => column.notNull())
    .addColumn('salt', 'varchar(64)', (column) => column.notNull())
    .addColumn('iterations', 'integer', (column) => column.notNull())
    .addColumn('stored_key', 'varchar(64)', (column) => column.notNull())
    .addColumn('server_key', 'varchar(64)', (column) => column.notNull())
    .addPrimaryKeyConstraint('scram_key_key', ['mailbox_id', 'hash', 'app_password_id'])
    .execute();
  await db.schema
    .createTable('secret')
    .addColumn('name', 'varchar(64)', (column) => column.primaryKey().notNull())
    .addColumn('value', 'varchar(255)', (column) => column.notNull())
    .execute();
  const values = { name: 'scram-salt', value: randomBytes(32).toString('base64') };
  await (db as Kysely<{ secret: { name: string; value: string } }>).insertInto('secret').values(values).execute();
}
