// Where an account on a server is not what an export has made it: gone, with another password, or with rights that are more or
// fewer. PostgreSQL shows everybody's rights to everybody; MariaDB and MySQL show them to who may read the database `mysql`,
// so where that is not the directory's own account, the account is asked itself, with the password of its file.

import { openServerSession } from '../../database/server/open-session.ts';
import {
  ServerRefusal,
  type ServerAddress,
  type ServerSession,
  type SqlRow,
} from '../../database/server/server-session.ts';
import type { Grant } from './accounts.ts';
import type { Drift } from './drift.ts';

export interface WantedAccount {
  readonly name: string;
  readonly grants: readonly Grant[];
  /** MySQL's: from where it connects. */
  readonly hosts: readonly string[];
  /** As its file has it. */
  readonly password: string | undefined;
  /** The command that makes it as it is to be. */
  readonly again: string;
}

/** PostgreSQL's and MySQL's. */
const wrongPassword = new Set(['28P01', '1045']);

const everybody = 'PUBLIC';
const asEverybody = `as everybody (${everybody}) may`;

/** What it may do: `SELECT postfix_domain`, and how that is taken away where an export does not. */
type Rights = ReadonlyMap<string, string | undefined>;

/** `address`: where the account logs in. Throws ServerUnavailable, ServerRefusal. */
export async function accountDrift(
  session: ServerSession,
  address: ServerAddress,
  wanted: WantedAccount,
): Promise<Drift[]> {
  const { name, again } = wanted;
  const own = await openAs(address, wanted);
  try {
    const found = await rightsOf(session, wanted);
    const refused = own instanceof ServerRefusal ? [{ what: refusedLogin(name, own), mend: again }] : [];
    // One that is there may be let in from other machines alone.
    const isWrong = own instanceof ServerRefusal && wrongPassword.has(own.code);
    if (found.size > 0) return [...(isWrong ? refused : []), ...compared(found, wanted)];
    if (own === undefined) return [];
    // It is not there, or it is not this session's to see.
    return own instanceof ServerRefusal ? refused : compared(await rightsOf(own, wanted), wanted, true);
  } finally {
    if (own !== undefined && !(own instanceof ServerRefusal)) own.close();
  }
}

function refusedLogin(name: string, { message }: ServerRefusal): string {
  return `the account ${name} cannot log in with the password of its file (${message})`;
}

/** Undefined where the server cannot be asked by it now. */
async function openAs(
  address: ServerAddress,
  { name, password = '' }: WantedAccount,
): Promise<ServerSession | ServerRefusal | undefined> {
  try {
    return await openServerSession({ ...address, user: name, password });
  } catch (error) {
    return error instanceof ServerRefusal ? error : undefined;
  }
}

/** `isOneOfMany`: what was asked is the account of one host alone. */
function compared(found: ReadonlyMap<string, Rights>, wanted: WantedAccount, isOneOfMany = false): Drift[] {
  const { name, hosts, grants, again } = wanted;
  const lines = grants.flatMap(({ right, on }) => right.split(', ').map((one) => `${one} ${on}`));
  const drifts = new Map<string, { readonly mend: string; readonly accounts: Set<string> }>();
  const note = (account: string, text: string, mend: string): void => {
    const known = drifts.get(text) ?? { mend, accounts: new Set() };
    known.accounts.add(account);
    drifts.set(text, known);
  };
  const all = isOneOfMany ? [...found.keys()] : [...new Set([...hosts, ...found.keys()])];
  for (const host of all) {
    const rights = found.get(host);
    if (rights === undefined) note(host, 'is missing', again);
    for (const one of lines) if (rights?.has(one) === false) note(host, `may not ${one}`, again);
    for (const [one, revoke = again] of rights ?? []) {
      if (!lines.includes(one)) note(host, `may ${one}, which it need not`, revoke);
    }
  }
  return [...drifts].flatMap(([text, { mend, accounts }]) => {
    const names = accounts.size === all.length ? [name] : [...accounts].map((host) => `${name}@${host}`);
    return names.map((one) => ({ what: `the account ${one} ${text}`, mend }));
  });
}

/** By host; PostgreSQL's accounts have ''. */
async function rightsOf(session: ServerSession, { name }: WantedAccount): Promise<ReadonlyMap<string, Rights>> {
  return session.dialect === 'mysql' ? await mysqlRights(session, name) : await postgresRights(session, name);
}

async function mysqlRights(session: ServerSession, name: string): Promise<ReadonlyMap<string, Rights>> {
  const { rows } = await session.query(
    `SELECT grantee, privilege_type, table_schema, table_name, '' AS column_name FROM information_schema.table_privileges
     UNION ALL SELECT grantee, privilege_type, table_schema, table_name, column_name FROM information_schema.column_privileges
     UNION ALL SELECT grantee, privilege_type, table_schema, '*', '' FROM information_schema.schema_privileges
     UNION ALL SELECT grantee, privilege_type, '*', '*', '' FROM information_schema.user_privileges`,
  );
  const database = String((await session.query('SELECT database()')).rows[0]?.[0]);
  const found = new Map<string, Map<string, string | undefined>>();
  for (const [grantee, right, schema, table, column] of rows) {
    const [, user, host = ''] = /^'(.*)'@'(.*)'$/.exec(String(grantee)) ?? [];
    if (user !== name) continue;
    const rights = found.get(host) ?? new Map<string, string | undefined>();
    found.set(host, rights);
    // Every account has it: it may connect.
    if (right === 'USAGE') continue;
    const on = schema === database ? table : `${schema}.${table}`;
    rights.set(`${right}${column === '' ? '' : ` (${column})`} ${on}`, undefined);
  }
  for (const [host, role] of await mysqlRoles(session, name)) {
    found.get(String(host))?.set(`do what ${role} may`, `REVOKE ${role} FROM '${name}'@'${host}'`);
  }
  const ofEverybody = await mariadbPublicRights(session, database);
  for (const rights of found.values()) for (const [text, revoke] of ofEverybody) rights.set(text, revoke);
  return found;
}

/**
 * MariaDB's PUBLIC (since 10.11), where our tables are. Asked so, since information_schema keeps it from most accounts, and
 * from all what it may everywhere.
 */
async function mariadbPublicRights(session: ServerSession, database: string): Promise<ReadonlyMap<string, string>> {
  const rights = new Map<string, string>();
  const note = (text: string, revoke: string) =>
    rights.set(`${text} ${asEverybody}`, `REVOKE ${revoke} FROM ${everybody}`);
  for (const [line] of await publicGrants(session)) {
    const [, given = '', option] = /^GRANT (.*) TO PUBLIC( WITH GRANT OPTION)?$/.exec(String(line)) ?? [];
    const [, list = '', on = ''] = /^(.*?) ON ((?:["`].*|\*)\..*)$/.exec(given) ?? [];
    if (on === '') {
      // A role, unless it is of a procedure.
      const role = /^["`].*["`]$/.test(given) ? unquoted(given) : '';
      if (role !== '') note(`do what ${role} may`, quoted(role));
      continue;
    }
    const [schema = '', table = ''] = on.split(/(?<=["`*])\.(?=["`*])/).map(unquoted);
    const isOurs = table === '*' ? matchesDatabase(schema, database) : schema === database;
    if (!isOurs) continue;
    const shown = schema === database ? table : `${schema}.${table}`;
    const where = [schema, table].map(quoted).join('.');
    for (const [, right = '', columns] of list.matchAll(/([A-Z][A-Z ]*[A-Z])(?: \((.*?)\))?(?:, |$)/g)) {
      for (const column of columns?.split(', ').map(unquoted) ?? [undefined]) {
        const [plain, own] = column === undefined ? ['', ''] : [` (${column})`, ` (${quoted(column)})`];
        if (right !== 'USAGE') note(`${right}${plain} ${shown}`, `${right}${own} ON ${where}`);
      }
    }
    if (option !== undefined) note(`GRANT OPTION ${shown}`, `GRANT OPTION ON ${where}`);
  }
  return rights;
}

/** MySQL and older MariaDB have no such role, and say that there is no such account, or that it may not be asked about. */
async function publicGrants(session: ServerSession): Promise<readonly SqlRow[]> {
  try {
    return (await session.query('SHOW GRANTS FOR PUBLIC')).rows;
  } catch (error) {
    if (error instanceof ServerRefusal && ['1044', '1141', '1142', '1227'].includes(error.code)) return [];
    throw error;
  }
}

/** As it may be typed, and is shown: a plain name without quotes. */
function quoted(name: string): string {
  return /^(?:\w+|\*)$/.test(name) ? name : `\`${name.replaceAll('`', '``')}\``;
}

function unquoted(shown: string): string {
  const mark = shown.at(0) ?? '';
  return mark === '"' || mark === '`' ? shown.slice(1, -1).replaceAll(mark + mark, mark) : shown;
}

/** What is given for all tables is so for the databases of a pattern: `_` is any character, `%` any number of them. */
function matchesDatabase(pattern: string, database: string): boolean {
  if (pattern === '*') return true;
  const parts = pattern.match(/\\.|[^\\]|\\$/gu) ?? [];
  const literal = (part: string): string =>
    (part.length === 1 ? part : part.slice(1)).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const escape = (part: string): string => (part === '%' ? '.*' : part === '_' ? '.' : literal(part));
  return new RegExp(`^${parts.map(escape).join('')}$`, 'us').test(database);
}

/** MariaDB's table, else MySQL's; none where this session may not look. */
async function mysqlRoles(session: ServerSession, name: string): Promise<readonly SqlRow[]> {
  for (const sql of [
    'SELECT Host, Role FROM mysql.roles_mapping WHERE User = ?',
    'SELECT TO_HOST, FROM_USER FROM mysql.role_edges WHERE TO_USER = ?',
  ]) {
    try {
      return (await session.query(sql, [name])).rows;
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
    }
  }
  return [];
}

async function postgresRights(session: ServerSession, name: string): Promise<ReadonlyMap<string, Rights>> {
  const here = 'n.nspname = current_schema()';
  const on = `CASE WHEN ${here} THEN c.relname ELSE n.nspname || '.' || c.relname END`;
  const named =
    'JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = a.grantee WHERE r.rolname = ?';
  // PUBLIC, of our own tables: the server's catalogues are everybody's to read.
  const ofEverybody = `JOIN pg_namespace n ON n.oid = c.relnamespace WHERE a.grantee = 0 AND ${here}`;
  const { rows } = await session.query(
    `SELECT a.privilege_type || ' ' || ${on}, (${here})::int FROM pg_class c CROSS JOIN aclexplode(c.relacl) a ${named}
     UNION ALL SELECT a.privilege_type || ' (' || t.attname || ') ' || ${on}, (${here})::int
       FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid CROSS JOIN aclexplode(t.attacl) a ${named}
     UNION ALL SELECT a.privilege_type || ' ' || c.relname || ' ${asEverybody}', 0
       FROM pg_class c CROSS JOIN aclexplode(c.relacl) a ${ofEverybody}
     UNION ALL SELECT a.privilege_type || ' (' || t.attname || ') ' || c.relname || ' ${asEverybody}', 0
       FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid CROSS JOIN aclexplode(t.attacl) a ${ofEverybody}
     UNION ALL SELECT 'do what ' || g.rolname || ' may', 0 FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
       JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = ?
     UNION ALL SELECT 'do everything', 1 FROM pg_roles WHERE rolname = ? AND rolsuper
     UNION ALL SELECT 'make accounts', 1 FROM pg_roles WHERE rolname = ? AND rolcreaterole
     UNION ALL SELECT '', 1 FROM pg_roles WHERE rolname = ?`,
    [name, name, name, name, name, name],
  );
  if (rows.length === 0) return new Map();
  const rights = new Map<string, string | undefined>();
  for (const [text, isHere] of rows) {
    if (text !== '') rights.set(String(text), isHere === 1 ? undefined : revokeOf(String(text), name));
  }
  return new Map([['', rights]]);
}

/** An export takes away what was given to the account where our tables are. */
function revokeOf(text: string, name: string): string {
  const role = /^do what (.*) may$/.exec(text)?.[1];
  if (role !== undefined) return `REVOKE ${role} FROM ${name}`;
  const isEverybodys = text.endsWith(` ${asEverybody}`);
  const own = isEverybodys ? text.slice(0, -asEverybody.length - 1) : text;
  const [, right = '', on = ''] = /^(.*) (\S+)$/.exec(own) ?? [];
  return `REVOKE ${right} ON ${on} FROM ${isEverybodys ? everybody : name}`;
}
