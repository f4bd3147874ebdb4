// The first schema. What the columns mean stands in ../schema.ts. Never edited once released: a change is a new file.

import type { Kysely } from 'kysely';
import { sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await createDomains(db);
  await createMailboxes(db);
  await createAliases(db);
  await db.schema
    .createTable('setting')
    .addColumn('name', 'varchar(64)', (column) => column.primaryKey().notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('event')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('time', 'bigint', (column) => column.notNull())
    .addColumn('actor', 'varchar(255)', (column) => column.notNull())
    .addColumn('action', 'varchar(64)', (column) => column.notNull())
    .addColumn('object', 'varchar(330)', (column) => column.notNull())
    .addColumn('before', 'text')
    .addColumn('after', 'text')
    .execute();
  await db.schema.createIndex('event_object').on('event').columns(['object', 'id']).execute();
}

async function createDomains(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('domain')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('name', 'varchar(255)', (column) => column.notNull())
    .addColumn('kind', 'varchar(16)', (column) => column.notNull())
    .addColumn('target_id', 'integer')
    .addColumn('active', 'integer', (column) => column.notNull())
    .addColumn('transport', 'varchar(255)', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addColumn('tombstone', 'integer', (column) => column.notNull().defaultTo(0))
    .addUniqueConstraint('domain_name', ['name', 'tombstone'])
    .execute();
  await db.schema.createIndex('domain_target').on('domain').column('target_id').execute();
}

async function createMailboxes(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('mailbox')
    // AUTOINCREMENT: the id of a removed mailbox never names another one's mail.
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('domain_id', 'integer', (column) => column.notNull())
    .addColumn('localpart', 'varchar(64)', (column) => column.notNull())
    .addColumn('shown', 'varchar(330)', (column) => column.notNull())
    .addColumn('name', 'varchar(255)', (column) => column.notNull())
    .addColumn('password', 'varchar(512)', (column) => column.notNull())
    .addColumn('quota', 'bigint', (column) => column.notNull())
    .addColumn('enabled', 'integer', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addColumn('removed_at', 'bigint', (column) => column.notNull())
    .addColumn('tombstone', 'integer', (column) => column.notNull().defaultTo(0))
    .addUniqueConstraint('mailbox_address', ['domain_id', 'localpart', 'tombstone'])
    .execute();
  // Holds all that a lookup of an address asks, so that it is answered from the index alone.
  await db.schema
    .createIndex('mailbox_lookup')
    .on('mailbox')
    .columns(['domain_id', 'localpart', 'tombstone', 'enabled'])
    .execute();
  await db.schema.createIndex('mailbox_removed').on('mailbox').columns(['removed_at', 'id']).execute();
}

async function createAliases(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('alias')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('domain_id', 'integer', (column) => column.notNull())
    .addColumn('localpart', 'varchar(64)', (column) => column.notNull())
    .addColumn('shown', 'varchar(330)', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('alias_address', ['domain_id', 'localpart'])
    .execute();
  await db.schema
    .createTable('alias_target')
    .addColumn('alias_id', 'integer', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('address', 'varchar(330)', (column) => column.notNull())
    .addColumn('domain', 'varchar(255)', (column) => column.notNull())
    .addColumn('localpart', 'varchar(64)', (column) => column.notNull())
    .addPrimaryKeyConstraint('alias_target_key', ['alias_id', 'position'])
    // One descent to an alias's targets instead of two. Other databases cluster by the primary key or do not mind.
    .modifyEnd(sql`without rowid`)
    .execute();
  await db.schema
    .createIndex('alias_target_address')
    .on('alias_target')
    .columns(['domain', 'localpart', 'alias_id'])
    .execute();
}
