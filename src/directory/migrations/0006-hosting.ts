// What a host keeps of its domains beyond addresses: limits, forwards, per-address decisions of a catch-all, transports,
// BCCs, access rules, recipients of relay domains, tags. What the columns mean stands in ../schema.ts. Never edited once
// released.

import type { CreateTableBuilder, Kysely } from 'kysely';
import { sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await extendDomains(db);
  await extendMailboxes(db);
  await extendAliases(db);
  await createPlaces(db);
  await createTags(db);
  await db.schema
    .alterTable('event')
    .addColumn('revision', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await sql`UPDATE event SET revision = id`.execute(db);
  await db.schema.createIndex('event_revision').on('event').columns(['revision', 'id']).execute();
}

async function extendDomains(db: Kysely<unknown>): Promise<void> {
  for (const name of ['max_mailboxes', 'max_aliases']) {
    await db.schema
      .alterTable('domain')
      .addColumn(name, 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
  }
  for (const name of ['total_quota', 'default_quota', 'max_quota']) {
    await db.schema
      .alterTable('domain')
      .addColumn(name, 'bigint', (column) => column.notNull().defaultTo(0))
      .execute();
  }
  await db.schema
    .alterTable('domain')
    .addColumn('unknown_to', 'varchar(255)', (column) => column.notNull().defaultTo(''))
    .execute();
  await db.schema
    .alterTable('domain')
    .addColumn('catch_all', 'varchar(16)', (column) => column.notNull().defaultTo('accept'))
    .execute();
  await db.schema
    .alterTable('domain')
    .addColumn('takes_all', 'integer', (column) => column.notNull().defaultTo(1))
    .execute();
  await withoutRowid(
    db.schema
      .createTable('caught_address')
      .addColumn('domain_id', 'integer', (column) => column.notNull())
      .addColumn('localpart', 'varchar(64)', (column) => column.notNull())
      .addColumn('shown', 'varchar(330)', (column) => column.notNull())
      .addColumn('state', 'varchar(16)', (column) => column.notNull())
      .addColumn('sender', 'varchar(330)', (column) => column.notNull())
      .addColumn('first_seen', 'bigint', (column) => column.notNull())
      .addColumn('last_seen', 'bigint', (column) => column.notNull())
      .addColumn('messages', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('caught_address_key', ['domain_id', 'localpart']),
  );
  await withoutRowid(
    db.schema
      .createTable('relay_recipient')
      .addColumn('domain_id', 'integer', (column) => column.notNull())
      .addColumn('localpart', 'varchar(64)', (column) => column.notNull())
      .addColumn('shown', 'varchar(330)', (column) => column.notNull())
      .addColumn('created', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('relay_recipient_key', ['domain_id', 'localpart']),
  );
}

async function extendMailboxes(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('mailbox')
    .addColumn('protocols', 'varchar(64)', (column) => column.notNull().defaultTo(''))
    .execute();
  await db.schema
    .alterTable('mailbox')
    .addColumn('forward', 'varchar(8)', (column) => column.notNull().defaultTo('keep'))
    .execute();
  await db.schema
    .alterTable('mailbox')
    .addColumn('must_change', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  for (const name of ['password_changed', 'password_expires']) {
    await db.schema
      .alterTable('mailbox')
      .addColumn(name, 'bigint', (column) => column.notNull().defaultTo(0))
      .execute();
  }
  await withoutRowid(
    db.schema
      .createTable('mailbox_forward')
      .addColumn('mailbox_id', 'integer', (column) => column.notNull())
      .addColumn('position', 'integer', (column) => column.notNull())
      .addColumn('address', 'varchar(330)', (column) => column.notNull())
      .addColumn('domain', 'varchar(255)', (column) => column.notNull())
      .addColumn('localpart', 'varchar(64)', (column) => column.notNull())
      .addPrimaryKeyConstraint('mailbox_forward_key', ['mailbox_id', 'position']),
  );
  await db.schema
    .createIndex('mailbox_forward_address')
    .on('mailbox_forward')
    .columns(['domain', 'localpart', 'mailbox_id'])
    .execute();
  await db.schema
    .createTable('last_login')
    .addColumn('mailbox_id', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('time', 'bigint', (column) => column.notNull())
    .addColumn('protocol', 'varchar(16)', (column) => column.notNull())
    .addColumn('address', 'varchar(64)', (column) => column.notNull())
    .execute();
}

async function extendAliases(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('alias')
    .addColumn('active', 'integer', (column) => column.notNull().defaultTo(1))
    .execute();
  await db.schema
    .alterTable('alias')
    .addColumn('post', 'varchar(16)', (column) => column.notNull().defaultTo('anyone'))
    .execute();
  await withoutRowid(
    db.schema
      .createTable('alias_poster')
      .addColumn('alias_id', 'integer', (column) => column.notNull())
      .addColumn('domain', 'varchar(255)', (column) => column.notNull())
      .addColumn('localpart', 'varchar(64)', (column) => column.notNull())
      .addColumn('address', 'varchar(330)', (column) => column.notNull())
      .addPrimaryKeyConstraint('alias_poster_key', ['alias_id', 'domain', 'localpart']),
  );
}

/** What hangs on an address or a domain that need not be ours. */
async function createPlaces(db: Kysely<unknown>): Promise<void> {
  await withoutRowid(
    db.schema
      .createTable('transport')
      .addColumn('domain', 'varchar(255)', (column) => column.notNull())
      .addColumn('localpart', 'varchar(64)', (column) => column.notNull())
      .addColumn('transport', 'varchar(255)', (column) => column.notNull())
      .addColumn('created', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('transport_key', ['domain', 'localpart']),
  );
  await withoutRowid(
    db.schema
      .createTable('bcc')
      .addColumn('side', 'varchar(16)', (column) => column.notNull())
      .addColumn('domain', 'varchar(255)', (column) => column.notNull())
      .addColumn('localpart', 'varchar(64)', (column) => column.notNull())
      .addColumn('address', 'varchar(330)', (column) => column.notNull())
      .addColumn('created', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('bcc_key', ['side', 'domain', 'localpart']),
  );
  await withoutRowid(
    db.schema
      .createTable('access_rule')
      .addColumn('stage', 'varchar(16)', (column) => column.notNull())
      .addColumn('pattern', 'varchar(330)', (column) => column.notNull())
      .addColumn('action', 'varchar(512)', (column) => column.notNull())
      .addColumn('note', 'varchar(255)', (column) => column.notNull())
      .addColumn('created', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('access_rule_key', ['stage', 'pattern']),
  );
}

async function createTags(db: Kysely<unknown>): Promise<void> {
  await withoutRowid(
    db.schema
      .createTable('tag')
      .addColumn('kind', 'varchar(16)', (column) => column.notNull())
      .addColumn('object_id', 'integer', (column) => column.notNull())
      .addColumn('tag', 'varchar(64)', (column) => column.notNull())
      .addPrimaryKeyConstraint('tag_key', ['kind', 'object_id', 'tag']),
  );
  await db.schema.createIndex('tag_tag').on('tag').columns(['tag', 'kind', 'object_id']).execute();
}

/** One descent to a row instead of two. Other databases cluster by the primary key or do not mind. */
async function withoutRowid(table: CreateTableBuilder<string, never>): Promise<void> {
  await table.modifyEnd(sql`without rowid`).execute();
}
