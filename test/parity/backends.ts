// The servers behind generated mysql:, pgsql: and ldap: tables: one of each for a run, started when the first group
// needs it. All tables of a run are rows of one, told apart by a name.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasMariaDb, MariaDbServer } from '../harness/mariadb.ts';
import { ldapAdmin, ldapPassword, ldapSuffix, noOpenLdap, OpenLdapServer } from '../harness/openldap.ts';
import { hasPostgreSql, PostgreSqlServer } from '../harness/postgresql.ts';
import type { ServedTable } from './parity-case.ts';

/** Whether this machine can serve such tables. */
export function canServe(type: ServedTable['type']): boolean {
  return type === 'mysql' ? hasMariaDb : type === 'pgsql' ? hasPostgreSql : noOpenLdap === undefined;
}

const sqlTable = 'served (m VARCHAR(80), k VARCHAR(300), u VARCHAR(300), d VARCHAR(300), v VARCHAR(2000))';

export class Backends {
  readonly #folder: string;
  #mysql: Promise<MariaDbServer> | undefined;
  #pgsql: Promise<PostgreSqlServer> | undefined;
  #ldap: Promise<OpenLdapServer> | undefined;
  #count = 0;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Loads the rows; returns the table's `.cf` file. */
  async serve(table: ServedTable): Promise<string> {
    const name = `t${this.#count++}`;
    const { type } = table;
    if (type === 'ldap') return await this.#serveLdap(name, table);
    const inserts = table.rows.map(([key, value]) => {
      const at = key.lastIndexOf('@');
      const [user, domain] = at === -1 ? [key, ''] : [key.slice(0, at), key.slice(at + 1)];
      const folded = [key, user, domain].map((one) => one.toLowerCase());
      return `INSERT INTO served VALUES (${[name, ...folded, value].map(quoted(type)).join(', ')});`;
    });
    const port = await this.#execute(type, inserts.join('\n'));
    const by = table.byParts ? "u = '%u' AND d = '%d'" : "k = '%s'";
    return [
      `hosts = ${type === 'mysql' ? `inet:127.0.0.1:${port}` : `127.0.0.1:${port}`}`,
      'user = reader',
      'password = secret',
      'dbname = mail',
      `query = SELECT v FROM served WHERE m = '${name}' AND ${by}`,
      '',
    ].join('\n');
  }

  async stop(): Promise<void> {
    await (await this.#mysql)?.stop('SIGKILL');
    await (await this.#pgsql)?.stop('SIGQUIT');
    await (await this.#ldap)?.stop();
  }

  async #execute(type: 'mysql' | 'pgsql', sql: string): Promise<number> {
    if (type === 'mysql') {
      this.#mysql ??= startMysql(join(this.#folder, 'my'));
      const server = await this.#mysql;
      server.execute(sql, 'mail');
      return server.port;
    }
    this.#pgsql ??= startPgsql(join(this.#folder, 'pg'));
    const server = await this.#pgsql;
    server.execute(sql, 'mail');
    return server.port;
  }

  async #serveLdap(name: string, { rows }: ServedTable): Promise<string> {
    this.#ldap ??= startLdap(join(this.#folder, 'ld'));
    const server = await this.#ldap;
    const base = `ou=${name},${ldapSuffix}`;
    const entries = rows.map(([key, value], index) =>
      [
        `dn: cn=${index},${base}`,
        'objectClass: device',
        'objectClass: mailUser',
        `cn: ${index}`,
        `mailacceptinggeneralid:: ${base64(key.toLowerCase())}`,
        `maildrop:: ${base64(value)}`,
      ].join('\n'),
    );
    server.add([`dn: ${base}\nobjectClass: organizationalUnit\nou: ${name}`, ...entries, ''].join('\n\n'));
    return [
      `server_host = ${server.url}`,
      `search_base = ${base}`,
      'version = 3',
      'bind = yes',
      `bind_dn = ${ldapAdmin}`,
      `bind_pw = ${ldapPassword}`,
      '',
    ].join('\n');
  }
}

async function startMysql(folder: string): Promise<MariaDbServer> {
  const server = new MariaDbServer(folder);
  await server.start();
  server.execute(
    "CREATE DATABASE mail CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; CREATE USER reader@'%' IDENTIFIED BY 'secret';" +
      "CREATE USER reader@localhost IDENTIFIED BY 'secret'; GRANT SELECT ON mail.* TO reader@'%';" +
      `GRANT SELECT ON mail.* TO reader@localhost; USE mail; CREATE TABLE ${sqlTable};`,
  );
  return server;
}

async function startPgsql(folder: string): Promise<PostgreSqlServer> {
  const server = new PostgreSqlServer(folder);
  await server.start();
  server.execute("CREATE ROLE reader LOGIN PASSWORD 'secret'");
  server.execute('CREATE DATABASE mail');
  server.execute(`CREATE TABLE ${sqlTable}; GRANT SELECT ON served TO reader;`, 'mail');
  return server;
}

async function startLdap(folder: string): Promise<OpenLdapServer> {
  const server = new OpenLdapServer(folder);
  await server.start();
  server.add(`dn: ${ldapSuffix}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n`);
  return server;
}

function quoted(type: 'mysql' | 'pgsql'): (text: string) => string {
  return (text) => {
    const doubled = text.replaceAll("'", "''");
    return `'${type === 'mysql' ? doubled.replaceAll('\\', '\\\\') : doubled}'`;
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
