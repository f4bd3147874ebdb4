// `posthaste export postfixadmin-views`: PostfixAdmin's four views in a schema of their own, the trigger that writes down
// password changes, and the account that may make them.

import { randomBytes } from 'node:crypto';
import type { DirectoryServer } from '../../directory/server/server-settings.ts';
import type { ServerSession } from '../../database/server/server-session.ts';
import type { Configuration } from '../../settings/configuration.ts';
import { accountHosts, isAccountName, makeAccount } from './accounts.ts';
import { ServerTarget } from './database-target.ts';
import type { Driver } from './dialect.ts';
import { ExportRefused } from './export-files.ts';
import { findPlace } from './place.ts';
import {
  mysqlPasswordProcedure,
  mysqlPasswordTrigger,
  postfixAdminViews,
  postgresPasswordTrigger,
} from './postfixadmin-views.ts';

export interface PostfixAdminOptions {
  /** The schema; for MySQL a database. */
  readonly schema: string;
  /** May change passwords, and find whose. */
  readonly account: string;
  readonly admin?: DirectoryServer;
}

export interface PostfixAdminResult {
  readonly driver: Driver;
  readonly schema: string;
  readonly account: string;
  /** Told once; nobody keeps it. */
  readonly password: string;
}

const names = ['domain', 'alias_domain', 'mailbox', 'alias'];

/** Throws ExportRefused, DirectoryOpenError, ServerUnavailable, ServerRefusal. */
export async function exportPostfixAdminViews(
  configuration: Configuration,
  { schema, account, admin }: PostfixAdminOptions,
): Promise<PostfixAdminResult> {
  for (const name of [schema, account]) {
    if (!isAccountName(name)) throw new ExportRefused(`"${name}" is no name here: small letters, digits and "_"`);
  }
  const place = findPlace(configuration, undefined);
  if (place.driver === 'sqlite') {
    throw new ExportRefused(
      'the embedded database has no schemas, and our tables have these names: move the directory to a server first; ' +
        'on the embedded one passwords are changed by POST /api/v1/self/password (docs/driving-postfix.md)',
    );
  }
  const target = await ServerTarget.open(admin ?? place.server);
  const { session } = target;
  try {
    const home = await homeOf(session);
    await makeSchema(session, schema);
    const password = randomBytes(24).toString('base64url');
    await makeViews(session, place.driver, home, { schema, account });
    const on = `${schema}.mailbox`;
    const grants = [
      { right: 'SELECT (username)', on },
      { right: 'UPDATE (password)', on },
      ...(place.driver === 'mysql' ? [{ right: 'EXECUTE', on: `PROCEDURE ${schema}.change_password` }] : []),
    ];
    await makeAccount(
      session,
      { name: account, password, hosts: accountHosts(place.server.addresses) },
      grants,
      schema,
    );
    return { driver: place.driver, schema, account, password };
  } finally {
    target.close();
  }
}

async function homeOf(session: ServerSession): Promise<string> {
  const { rows } = await session.query(session.dialect === 'mysql' ? 'SELECT database()' : 'SELECT current_schema()');
  return String(rows[0]?.[0]);
}

/** Throws where somebody's own tables stand under these names, as a PostfixAdmin's. */
async function makeSchema(session: ServerSession, schema: string): Promise<void> {
  const { rows } = await session.query(
    "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'",
    [schema],
  );
  const taken = rows.map(([name]) => String(name)).find((name) => names.includes(name));
  if (taken !== undefined) {
    throw new ExportRefused(`${schema} has a table "${taken}" of its own: give another --schema`);
  }
  const what = session.dialect === 'mysql' ? 'DATABASE' : 'SCHEMA';
  await session.query(`CREATE ${what} IF NOT EXISTS ${schema}`);
}

async function makeViews(
  session: ServerSession,
  driver: 'mysql' | 'pgsql',
  home: string,
  { schema, account }: Pick<PostfixAdminOptions, 'schema' | 'account'>,
): Promise<void> {
  const views = postfixAdminViews(driver, `"${home}".`);
  for (const { name } of views) await session.query(`DROP VIEW IF EXISTS ${schema}.${name}`);
  for (const { name, select } of views) {
    const security = driver === 'mysql' ? 'SQL SECURITY DEFINER ' : '';
    await session.query(`CREATE ${security}VIEW ${schema}.${name} AS ${select}`);
  }
  const triggers =
    driver === 'mysql'
      ? [...mysqlPasswordTrigger(account), ...mysqlPasswordProcedure(schema)]
      : postgresPasswordTrigger(`"${home}"`, schema);
  for (const statement of triggers) await session.query(statement);
}
