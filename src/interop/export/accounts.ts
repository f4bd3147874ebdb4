// The accounts on a server for other programs: the reader of the maps, who can select our views and nothing else. Given
// anew at each export, so that rights that somebody has added by mistake are gone after it.

import { ServerRefusal, type ServerSession } from '../../database/server/server-session.ts';

export interface Account {
  readonly name: string;
  readonly password: string;
  /** MySQL's: from where it may connect. */
  readonly hosts: readonly string[];
}

export interface Grant {
  /** As `SELECT` or `UPDATE (password)`. */
  readonly right: string;
  readonly on: string;
}

/** The name of an account: plain, so that it needs no quoting anywhere. */
export function isAccountName(name: string): boolean {
  return /^[a-z][a-z0-9_]{0,31}$/.test(name);
}

/** MySQL tells a machine's own connections apart by how they come. */
export function accountHosts(addresses: readonly { readonly host?: string; readonly socket?: string }[]): string[] {
  const isLocal = addresses.every(
    ({ host, socket }) =>
      socket !== undefined || host === 'localhost' || host === '::1' || host?.startsWith('127.') === true,
  );
  return isLocal ? ['localhost', '127.0.0.1', '::1'] : ['%'];
}

/** `schema`: where PostgreSQL's account looks for names, if not where we do. Throws ServerRefusal where this session may not make accounts. */
export async function makeAccount(
  session: ServerSession,
  account: Account,
  grants: readonly Grant[],
  schema?: string,
): Promise<void> {
  const where = schema ?? (await currentSchema(session));
  for (const statement of accountStatements(session.dialect, account, grants, where)) {
    try {
      await session.query(statement);
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
      // The statement has the password in it.
      const [words = ''] = /^\w+(?: \w+)?/.exec(statement) ?? [];
      throw new ServerRefusal(
        `${words} for ${account.name} is refused (${error.message}): name an account that may do it with --admin FILE`,
        error.code,
      );
    }
  }
}

async function currentSchema(session: ServerSession): Promise<string> {
  const { rows } = await session.query(session.dialect === 'mysql' ? 'SELECT database()' : 'SELECT current_schema()');
  return String(rows[0]?.[0]);
}

function accountStatements(
  dialect: ServerSession['dialect'],
  { name, password, hosts }: Account,
  grants: readonly Grant[],
  schema: string,
): string[] {
  const secret = password.replaceAll("'", "''");
  if (dialect === 'mysql') {
    return hosts.flatMap((host) => [
      `CREATE USER IF NOT EXISTS '${name}'@'${host}'`,
      `ALTER USER '${name}'@'${host}' IDENTIFIED BY '${secret}'`,
      `REVOKE ALL PRIVILEGES, GRANT OPTION FROM '${name}'@'${host}'`,
      ...grants.map(({ right, on }) => `GRANT ${right} ON ${on} TO '${name}'@'${host}'`),
    ]);
  }
  return [
    `DO $$ BEGIN CREATE ROLE ${name}; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    `ALTER ROLE ${name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${secret}'`,
    `REVOKE ALL ON ALL TABLES IN SCHEMA "${schema}" FROM ${name}`,
    `GRANT USAGE ON SCHEMA "${schema}" TO ${name}`,
    // Tables are found without naming their schema, as by who made them.
    `ALTER ROLE ${name} SET search_path TO "${schema}"`,
    ...grants.map(({ right, on }) => `GRANT ${right} ON ${on} TO ${name}`),
  ];
}
