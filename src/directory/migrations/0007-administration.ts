// Administrators, tokens and sessions of the API, second factors, webhooks, and answers kept for repeated requests. What
// the columns mean stands in ../administration-schema.ts. Never edited once released.

import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await createAdministrators(db);
  await createSecondFactors(db);
  await createKeys(db);
  await createWebhooks(db);
  const values = { name: 'page-key', value: randomBytes(32).toString('base64') };
  await (db as Kysely<{ secret: { name: string; value: string } }>).insertInto('secret').values(values).execute();
}

async function createAdministrators(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('admin')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('login', 'varchar(255)', (column) => column.notNull().unique())
    .addColumn('name', 'varchar(255)', (column) => column.notNull())
    .addColumn('password', 'varchar(255)', (column) => column.notNull())
    .addColumn('role', 'varchar(16)', (column) => column.notNull())
    .addColumn('active', 'integer', (column) => column.notNull())
    .addColumn('must_change', 'integer', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('admin_domain')
    .addColumn('admin_id', 'integer', (column) => column.notNull())
    .addColumn('domain_id', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('admin_domain_key', ['admin_id', 'domain_id'])
    .execute();
}

async function createSecondFactors(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('totp')
    .addColumn('owner_kind', 'varchar(8)', (column) => column.notNull())
    .addColumn('owner_id', 'integer', (column) => column.notNull())
    .addColumn('secret', 'varchar(64)', (column) => column.notNull())
    .addColumn('confirmed', 'integer', (column) => column.notNull())
    .addColumn('last_step', 'bigint', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('totp_key', ['owner_kind', 'owner_id'])
    .execute();
  await db.schema
    .createTable('recovery_code')
    .addColumn('owner_kind', 'varchar(8)', (column) => column.notNull())
    .addColumn('owner_id', 'integer', (column) => column.notNull())
    .addColumn('digest', 'varchar(64)', (column) => column.notNull())
    .addPrimaryKeyConstraint('recovery_code_key', ['owner_kind', 'owner_id', 'digest'])
    .execute();
  await db.schema
    .createTable('passkey')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('owner_kind', 'varchar(8)', (column) => column.notNull())
    .addColumn('owner_id', 'integer', (column) => column.notNull())
    .addColumn('name', 'varchar(64)', (column) => column.notNull())
    .addColumn('digest', 'varchar(64)', (column) => column.notNull().unique())
    .addColumn('credential', 'text', (column) => column.notNull())
    .addColumn('public_key', 'text', (column) => column.notNull())
    .addColumn('counter', 'bigint', (column) => column.notNull())
    .addColumn('transports', 'varchar(128)', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addColumn('used', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('passkey_owner').on('passkey').columns(['owner_kind', 'owner_id']).execute();
}

async function createKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('api_token')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('name', 'varchar(64)', (column) => column.notNull())
    .addColumn('digest', 'varchar(64)', (column) => column.notNull().unique())
    .addColumn('owner_kind', 'varchar(8)', (column) => column.notNull())
    .addColumn('owner_id', 'integer', (column) => column.notNull())
    .addColumn('scopes', 'varchar(1024)', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addColumn('expires', 'bigint', (column) => column.notNull())
    .addColumn('used', 'bigint', (column) => column.notNull())
    .addColumn('used_address', 'varchar(64)', (column) => column.notNull())
    .addUniqueConstraint('api_token_name', ['owner_kind', 'owner_id', 'name'])
    .execute();
  await db.schema
    .createTable('web_session')
    .addColumn('digest', 'varchar(64)', (column) => column.primaryKey().notNull())
    .addColumn('id', 'varchar(32)', (column) => column.notNull().unique())
    .addColumn('owner_kind', 'varchar(8)', (column) => column.notNull())
    .addColumn('owner_id', 'integer', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addColumn('expires', 'bigint', (column) => column.notNull())
    .addColumn('seen', 'bigint', (column) => column.notNull())
    .addColumn('address', 'varchar(64)', (column) => column.notNull())
    .addColumn('program', 'varchar(255)', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('web_session_owner').on('web_session').columns(['owner_kind', 'owner_id']).execute();
  await db.schema.createIndex('web_session_expires').on('web_session').column('expires').execute();
  await db.schema
    .createTable('kept_answer')
    .addColumn('asker', 'varchar(64)', (column) => column.notNull())
    .addColumn('digest', 'varchar(64)', (column) => column.notNull())
    .addColumn('request', 'varchar(64)', (column) => column.notNull())
    .addColumn('status', 'integer', (column) => column.notNull())
    .addColumn('answer', 'text', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('kept_answer_key', ['asker', 'digest'])
    .execute();
  await db.schema.createIndex('kept_answer_created').on('kept_answer').column('created').execute();
}

async function createWebhooks(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('webhook')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('name', 'varchar(64)', (column) => column.notNull().unique())
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
    .execute();
  await db.schema
    .createTable('webhook_message')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('webhook_id', 'integer', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('webhook_message_of').on('webhook_message').columns(['webhook_id', 'id']).execute();
}
