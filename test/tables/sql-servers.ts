// A MariaDB, a PostgreSQL and a SQLite file with the same rows, for the tests of mysql:, pgsql: and sqlite: tables,
// and the real postmap(1) to ask the same of.

import Database from 'better-sqlite3';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasMariaDb, MariaDbServer } from '../harness/mariadb.ts';
import { hasPostgreSql, PostgreSqlServer } from '../harness/postgresql.ts';

export const hasSqlServers = hasMariaDb && hasPostgreSql;

export const sqlTypes = ['mysql', 'pgsql', 'sqlite'] as const;

export type SqlType = (typeof sqlTypes)[number];

/** name, target, note: what the queries of the tests find. */
export const rows: readonly (readonly [string, string | null, string | null])[] = [
  ['joe@example.com', 'joe@inside.test', 'first'],
  ['info@example.com', 'joe@example.com', null],
  ['info@example.com', 'ann@example.com', ''],
  ['@catch.test', 'all@example.com', null],
  ['joe', 'bare', null],
  ['empty@example.com', '', null],
  ['null@example.com', null, null],
  ['example.com', 'domain', null],
  ["o'hara@example.com", 'quote', null],
  ['back\\slash@example.com', 'backslash', null],
  ['"a b"@example.com', 'double', null],
  ['100%@example.com', 'percent', null],
  ['a;b--c@example.com', 'comment', null],
  ['dollar$1@example.com', '$1 %s \\ \' "', null],
];

export class SqlServers {
  readonly folder: string;
  readonly mariaDb: MariaDbServer;
  readonly postgreSql: PostgreSqlServer;
  #count = 0;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'sql-'));
    chmodSync(this.folder, 0o755);
    this.mariaDb = new MariaDbServer(join(this.folder, 'my'));
    this.postgreSql = new PostgreSqlServer(join(this.folder, 'pg'));
  }

  async start(mariaDb: readonly string[] = [], postgreSql: Readonly<Record<string, string>> = {}): Promise<void> {
    await Promise.all([this.mariaDb.start(mariaDb), this.postgreSql.start(postgreSql)]);
    const columns = 'name varchar(1100), target varchar(2000), note varchar(100)';
    this.mariaDb.execute(
      'CREATE DATABASE mail CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; USE mail;' +
        "CREATE USER reader@'%' IDENTIFIED BY 'secret'; CREATE USER reader@localhost IDENTIFIED BY 'secret';" +
        "GRANT SELECT, EXECUTE ON mail.* TO reader@'%'; GRANT SELECT, EXECUTE ON mail.* TO reader@localhost;" +
        `CREATE TABLE alias (${columns});` +
        'CREATE PROCEDURE find(IN one VARCHAR(300)) READS SQL DATA SELECT target FROM alias WHERE name = one;' +
        'CREATE PROCEDURE nothing(IN one VARCHAR(300)) SET @a = 1;' +
        rows.map((row) => `INSERT INTO alias VALUES (${row.map(mysqlLiteral).join(', ')});`).join(''),
    );
    this.postgreSql.execute("CREATE ROLE reader LOGIN PASSWORD 'secret'; CREATE DATABASE mail;");
    this.postgreSql.execute(
      `CREATE TABLE alias (${columns}); GRANT SELECT ON alias TO reader;` +
        rows.map((row) => `INSERT INTO alias VALUES (${row.map(plainLiteral).join(', ')});`).join(''),
      'mail',
    );
    symlinkSync(
      join(this.postgreSql.socketFolder, `.s.PGSQL.${this.postgreSql.port}`),
      join(this.postgreSql.socketFolder, '.s.PGSQL.5432'),
    );
    const sqlite = new Database(this.sqliteFile);
    sqlite.exec(`CREATE TABLE alias (${columns})`);
    const insert = sqlite.prepare('INSERT INTO alias VALUES (?, ?, ?)');
    for (const row of rows) insert.run(...row);
    sqlite.close();
  }

  async stop(): Promise<void> {
    await Promise.all([this.mariaDb.stop('SIGKILL'), this.postgreSql.stop('SIGQUIT')]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  get sqliteFile(): string {
    return join(this.folder, 'alias.db');
  }

  /** Writes a `.cf` file with these settings and what reaches the server; `type:file`. */
  table(type: SqlType, settings: Readonly<Record<string, string>>): string {
    const all = { ...this.#reach(type), ...settings };
    const file = join(this.folder, `${type}-${this.#count++}.cf`);
    writeFileSync(
      file,
      Object.entries(all)
        .map(([name, value]) => `${name} = ${value}\n`)
        .join(''),
    );
    return `${type}:${file}`;
  }

  #reach(type: SqlType): Record<string, string> {
    if (type === 'sqlite') return { dbpath: this.sqliteFile };
    const { port } = type === 'mysql' ? this.mariaDb : this.postgreSql;
    return { hosts: `inet:127.0.0.1:${port}`, user: 'reader', password: 'secret', dbname: 'mail' };
  }
}

function mysqlLiteral(text: string | null): string {
  return text === null ? 'NULL' : `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function plainLiteral(text: string | null): string {
  return text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`;
}

export const realPostmap: string | undefined = ['/usr/sbin/postmap', '/usr/local/sbin/postmap'].find(
  (program) => existsSync(program) && existsSync('/usr/lib/postfix/postfix-pgsql.so'),
);

export interface PostmapAnswers {
  /** By key; a key that is not there was not found. */
  readonly values: ReadonlyMap<string, string>;
  /** What it says before it gives up: '' where every key was answered. */
  readonly fatal: string;
}

/** Asks `postmap -q -`; keys must not have line ends. It gives up at the first error. */
export function askPostmap(folder: string, table: string, keys: readonly string[]): Promise<PostmapAnswers> {
  const etc = join(folder, 'etc');
  if (!existsSync(etc)) {
    mkdirSync(etc);
    writeFileSync(
      join(etc, 'main.cf'),
      `compatibility_level = 3.6\nmyhostname = h.test\nqueue_directory = ${folder}\n`,
    );
    copyFileSync('/etc/postfix/dynamicmaps.cf', join(etc, 'dynamicmaps.cf'));
  }
  // Postfix waits for a file that was written in the last seconds to be finished.
  for (const file of [join(etc, 'main.cf'), table.slice(table.indexOf(':') + 1)]) utimesSync(file, 1, 1);
  return new Promise((resolve) => {
    const child = execFile(realPostmap ?? '', ['-c', etc, '-q', '-', table], (_error, stdout, stderr) => {
      const lines = stdout.split('\n').filter((line) => line !== '');
      const values = new Map(
        lines.map((line) => [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]),
      );
      resolve({ values, fatal: /fatal: (.*)/.exec(stderr)?.[1] ?? '' });
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(keys.map((key) => `${key}\n`).join(''));
  });
}
