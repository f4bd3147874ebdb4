// mysql:, pgsql: and sqlite: tables against real servers: one contract for all, what only one of them has, keys made
// to break out of a query, and the same questions asked of the real postmap(1).

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryLog } from '../../src/lib/log.ts';
import { TemporaryError } from '../../src/lib/temporary-error.ts';
import { Tables } from '../../src/tables/registry.ts';
import { Random } from '../harness/random.ts';
import { askPostmap, hasSqlServers, realPostmap, rows, SqlServers, sqlTypes, type SqlType } from './sql-servers.ts';

const byName = "SELECT target FROM alias WHERE name = '%s'";

// Skipped where MariaDB or PostgreSQL (scripts/install-test-servers) is not there; CI installs them and counts a skip as a failure.
describe.skipIf(!hasSqlServers)('SQL tables (packages mariadb-server, postgresql)', () => {
  const servers = new SqlServers();
  const log = new MemoryLog();
  const parameters = new Map<string, string>();
  const tables = new Tables({ log, isWatching: false, parameter: (name) => parameters.get(name) });
  beforeAll(() => servers.start());
  afterAll(async () => {
    tables.close();
    await servers.stop();
  });

  /** undefined: not found; an Error: could not find out. */
  async function find(table: string, key: string): Promise<string | undefined | TemporaryError> {
    try {
      const result = await tables.open(table).lookup(key);
      return result.kind === 'found' ? result.value : undefined;
    } catch (error) {
      if (error instanceof TemporaryError) return error;
      throw error;
    }
  }

  describe.each(sqlTypes)('%s', (type: SqlType) => {
    test('finds rows, whatever the case of the key, joined by commas', async () => {
      const table = servers.table(type, { query: byName });
      expect(await find(table, 'Joe@Example.COM')).toBe('joe@inside.test');
      expect(await find(table, 'info@example.com')).toBe('joe@example.com,ann@example.com');
      expect(await find(table, 'nosuch@example.com')).toBeUndefined();
      expect(await find(table, '')).toBeUndefined();
      const source = `${table}: SELECT target FROM alias WHERE name = 'joe@example.com'`;
      expect(await tables.open(table).lookup('Joe@example.com')).toMatchObject({ source });
      for (const [name, target] of rows) {
        if (name !== 'info@example.com') expect([name, await find(table, name)]).toEqual([name, target || undefined]);
      }
    });
    test('leaves out NULL and empty columns', async () => {
      const table = servers.table(type, { query: "SELECT target, note FROM alias WHERE name = '%s'" });
      expect(await find(table, 'joe@example.com')).toBe(
        type === 'sqlite' ? 'joe@inside.test' : 'joe@inside.test,first',
      );
      expect(await find(table, 'info@example.com')).toBe('joe@example.com,ann@example.com');
      expect(await find(table, 'null@example.com')).toBeUndefined();
      expect(await find(table, 'empty@example.com')).toBeUndefined();
      expect(log.lines.some((line) => line.includes('empty lookup result for: "empty@example.com"'))).toBe(true);
    });
    test('does not ask for keys that lack a part', async () => {
      const table = servers.table(type, { query: "SELECT 'asked'", result_format: '%s %U %D %1' });
      expect(await find(table, 'joe@a.example.com')).toBe('asked joe a.example.com com');
      for (const key of ['joe', 'example.com', '@example.com', 'joe@']) expect(await find(table, key)).toBeUndefined();
    });
    test('does not ask for other domains', async () => {
      writeFileSync(join(servers.folder, 'domains'), 'file.test\n');
      const domain = `Example.com, inline:{{table.test=x}} ${join(servers.folder, 'domains')}`;
      const table = servers.table(type, { query: "SELECT 'asked'", domain });
      for (const key of ['a@example.com', 'a@table.test', 'a@FILE.test']) expect(await find(table, key)).toBe('asked');
      for (const key of ['a@b.example.com', '@example.com', 'example.com', 'a', 'a@', 'a@x']) {
        expect(await find(table, key)).toBeUndefined();
      }
      const doubtful = servers.table(type, { query: "SELECT 'asked'", domain: 'fail:x' });
      expect(await find(doubtful, 'a@example.com')).toBeInstanceOf(TemporaryError);
    });
    test('more results than expansion_limit, or an error, are "could not find out"', async () => {
      const limited = servers.table(type, { query: byName, expansion_limit: '1' });
      expect(await find(limited, 'joe@example.com')).toBe('joe@inside.test');
      expect(await find(limited, 'info@example.com')).toBeInstanceOf(TemporaryError);
      for (const query of ['SELECT nosuch', 'SELEKT', "SELECT '%s"]) {
        expect(await find(servers.table(type, { query }), 'a')).toBeInstanceOf(TemporaryError);
      }
      // The server is asked on.
      expect(await find(limited, 'joe@example.com')).toBe('joe@inside.test');
    });
    test('the older parameters make the same query', async () => {
      const old = { table: 'alias', select_field: 'target', where_field: 'name', additional_conditions: 'AND 1 = 1' };
      expect(await find(servers.table(type, old), "o'hara@example.com")).toBe('quote');
    });
    test('settings may stand in main.cf', async () => {
      const file = servers.table(type, { query: byName }).slice(type.length + 1);
      const { readFileSync } = await import('node:fs');
      for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
        const [name = '', value = ''] = line.split(' = ');
        parameters.set(`${type}src_${name}`, value === byName.split(' = ')[0] ? byName : line.slice(name.length + 3));
      }
      expect(await find(`${type}:${type}src`, 'joe@example.com')).toBe('joe@inside.test');
    });
    test('values that would break out of the query are values', async () => {
      const table = servers.table(type, { query: byName });
      const echo = servers.table(type, { query: "SELECT '%s'" });
      const double = type === 'pgsql' ? echo : servers.table(type, { query: 'SELECT "%s"' });
      for (const key of nastyKeys) {
        const isFound = key !== '' && !key.includes('\0');
        expect(await find(table, key)).toBeUndefined();
        expect([key, await find(echo, key)]).toEqual([key, isFound ? key.toLowerCase() : undefined]);
        expect([key, await find(double, key)]).toEqual([key, isFound ? key.toLowerCase() : undefined]);
      }
      const unquoted = servers.table(type, { query: 'SELECT target FROM alias WHERE 1 = %u' });
      expect(await find(unquoted, '1 OR 1=1@x')).toBeInstanceOf(TemporaryError);
      expect(await find(unquoted, '2@x')).toBeUndefined();
      expect(log.lines.some((line) => line.includes('%u stands outside quotes'))).toBe(true);
    });
    test('a thousand random values come back as they were, in every kind of literal', async () => {
      const literals = { mysql: ["'%s'", '"%s"'], pgsql: ["'%s'", "E'%s'", "U&'%s'"], sqlite: ["'%s'", '"%s"'] }[type];
      const query = `SELECT ${literals.join(" || '' || ").replaceAll('||', type === 'mysql' ? '' : '||')}`;
      const table = servers.table(type, { query, ...(type === 'pgsql' ? { encoding: 'UTF8' } : {}) });
      const random = new Random(11);
      const signs = [
        "'",
        '"',
        '\\',
        '`',
        '%',
        '_',
        '$',
        '-',
        '#',
        '/',
        '*',
        ';',
        '\n',
        '\r',
        '\t',
        '\x1a',
        '(',
        ' ',
        'x',
        'é',
      ];
      const keys = Array.from({ length: 1000 }, () =>
        Array.from({ length: random.between(1, 12) }, () => random.pick(signs)).join(''),
      );
      const answers = await Promise.all(keys.map((key) => find(table, key)));
      expect(answers).toEqual(keys.map((key) => key.repeat(literals.length)));
    });
    test.each([
      [{ query: '%x' }, 'invalid query template'],
      [{ query: 'x', result_format: '%x' }, 'invalid result template'],
      [{ query: 'x', expansion_limit: 'many' }, 'bad numerical configuration'],
      [{}, 'no query is set'],
      [{ table: 'alias' }, 'select_field is not set'],
      [{ query: 'x', dbname: '', dbpath: '' }, 'is not set'],
    ])('%j is refused at the start', (settings, message) => {
      expect(() => tables.open(servers.table(type, settings))).toThrow(message);
    });
    test('a settings file that cannot be read, or is none', async () => {
      expect(await find(`${type}:/nonexistent/x.cf`, 'a')).toBeInstanceOf(TemporaryError);
      const file = join(servers.folder, `${type}-bad.cf`);
      writeFileSync(file, 'query = SELECT 1\npassword my-secret\n');
      expect(() => tables.open(`${type}:${file}`)).toThrow('bad.cf, line 2: expected "name = value"');
      expect(() => tables.open(`${type}:${file}`)).not.toThrow('my-secret');
    });
  });

  describe('mysql alone', () => {
    test('sockets, stored procedures, statements without rows', async () => {
      const socket = { hosts: `unix:${servers.mariaDb.socket}` };
      expect(await find(servers.table('mysql', { ...socket, query: byName }), 'joe')).toBe('bare');
      expect(await find(servers.table('mysql', { query: "CALL find('%s')" }), 'info@example.com')).toBe(
        'joe@example.com,ann@example.com',
      );
      expect(await find(servers.table('mysql', { query: "CALL nothing('%s')" }), 'a')).toBeInstanceOf(TemporaryError);
      const free = { query: "CALL nothing('%s')", require_result_set: 'no' };
      expect(await find(servers.table('mysql', free), 'a')).toBeUndefined();
      expect(await find(servers.table('mysql', { query: 'SELECT 1; SELECT 2' }), 'a')).toBeInstanceOf(TemporaryError);
    });
    test('option_file says what the table does not', async () => {
      const options = join(servers.folder, 'my.cnf');
      const included = join(servers.folder, 'more.cnf');
      writeFileSync(included, '[posthaste]\npassword = "secret" # why\n');
      writeFileSync(options, `[mysqld]\nuser=wrong\n[client]\nuser = reader\npassword=wrong\n!include ${included}\n`);
      const settings = { user: '', password: '', query: byName, option_file: options, option_group: 'posthaste' };
      expect(await find(servers.table('mysql', settings), 'joe')).toBe('bare');
    });
    test('charset: one whose escaping is unsafe is refused; latin1 gets the octets', async () => {
      expect(() => tables.open(servers.table('mysql', { query: byName, charset: 'gbk' }))).toThrow('charset gbk');
      const latin1 = servers.table('mysql', { query: "SELECT hex('%s'), '%s'", charset: 'latin1' });
      expect(await find(latin1, 'ä')).toBe('C3A4,ä');
    });
    test('sql_mode decides how values are escaped', async () => {
      const mode = servers.mariaDb.execute('SELECT @@GLOBAL.sql_mode').split('\n')[1];
      const fresh = new Tables({ log, isWatching: false });
      try {
        servers.mariaDb.execute("SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'");
        const table = fresh.open(servers.table('mysql', { query: "SELECT '%s' FROM DUAL WHERE '\\\\' <> '%s'" }));
        for (const key of nastyKeys.filter((one) => one !== '' && !one.includes('\0'))) {
          expect(await table.lookup(key)).toMatchObject({ value: key.toLowerCase() });
        }
      } finally {
        servers.mariaDb.execute(`SET GLOBAL sql_mode = '${mode}'`);
        fresh.close();
      }
    });
  });

  describe('pgsql alone', () => {
    test('sockets, URIs, functions, several statements', async () => {
      const socket = { hosts: `unix:${servers.postgreSql.socketFolder}` };
      expect(await find(servers.table('pgsql', { ...socket, query: byName }), 'joe')).toBe('bare');
      const uri = `postgresql://reader:secret@127.0.0.1:${servers.postgreSql.port}/mail?sslmode=disable`;
      const away = { hosts: uri, user: 'nobody', query: byName };
      expect(await find(servers.table('pgsql', away), 'joe')).toBe('bare');
      expect(await find(servers.table('pgsql', { select_function: 'upper' }), 'joe')).toBe('JOE');
      expect(await find(servers.table('pgsql', { query: "SELECT '%s'; SELECT 'last'" }), 'a')).toBe('last');
      expect(await find(servers.table('pgsql', { query: 'SET enable_seqscan TO on' }), 'a')).toBeUndefined();
    });
    test('values are the text that the server sends', async () => {
      const query = "SELECT true, 1.50::numeric, DATE '2026-01-02', '{1,2}'::int[], '{\"a\": 1}'::json";
      expect(await find(servers.table('pgsql', { query }), 'a')).toBe('t,1.50,2026-01-02,{1,2},{"a": 1}');
    });
    test('E quotes, dollar quotes, older literals', async () => {
      for (const query of ["SELECT E'%s'", 'SELECT $a$%s$a$']) {
        const table = servers.table('pgsql', { query });
        for (const key of ["it's", 'back\\', '\\', "\\'", 'a"b']) expect(await find(table, key)).toBe(key);
      }
      const fresh = new Tables({ log, isWatching: false });
      servers.postgreSql.execute('ALTER ROLE reader SET standard_conforming_strings = off');
      try {
        const table = fresh.open(servers.table('pgsql', { query: "SELECT '%s'" }));
        for (const key of ["it's", 'back\\', "\\'", "\\' OR 1=1"]) {
          expect(await table.lookup(key)).toMatchObject({ value: key.toLowerCase() });
        }
      } finally {
        servers.postgreSql.execute('ALTER ROLE reader RESET standard_conforming_strings');
        fresh.close();
      }
    });
    test('LATIN1 as in Postfix 3.7, or UTF8', async () => {
      const query = "SELECT encode(convert_to('%s', 'UTF8'), 'hex')";
      expect(await find(servers.table('pgsql', { query }), 'ä')).toBe('c383c2a4');
      expect(await find(servers.table('pgsql', { query, encoding: 'UTF8' }), 'ä')).toBe('c3a4');
      const euro = "SELECT U&'\\20ac'";
      expect(await find(servers.table('pgsql', { query: euro }), 'ä')).toBeInstanceOf(TemporaryError);
      expect(await find(servers.table('pgsql', { query: euro, encoding: 'UTF8' }), 'ä')).toBe('€');
      expect(() => tables.open(servers.table('pgsql', { query, encoding: 'KOI8R' }))).toThrow('only UTF8 and LATIN1');
    });
  });

  describe('sqlite alone', () => {
    test('values are the text that SQLite makes of them', async () => {
      for (const [expression, text] of [
        ['1', '1'],
        ['9223372036854775807', '9223372036854775807'],
        ['1.0', '1.0'],
        ['0.1', '0.1'],
        ['1e20', '1.0e+20'],
        ['-2.5e-7', '-2.5e-07'],
        ['123456789.123456789', '123456789.123457'],
        ["x'61006263'", 'a'],
        ["'x'; SELECT 2", 'x'],
      ]) {
        expect(await find(servers.table('sqlite', { query: `SELECT ${expression}` }), 'a')).toBe(text);
      }
    });
    test('a double-quoted word that is no column is a string', async () => {
      const query = 'SELECT target FROM alias WHERE name = "%s" AND "x" = "x" AND "name" <> "it\'s"';
      expect(await find(servers.table('sqlite', { query }), "o'hara@example.com")).toBe('quote');
      expect(await find(servers.table('sqlite', { query }), 'x" OR 1=1 OR "')).toBeUndefined();
    });
    test('a missing file, one that is no database, another renamed over it', async () => {
      const path = join(servers.folder, 'moving.db');
      const table = servers.table('sqlite', { dbpath: path, query: 'SELECT v FROM t' });
      expect(await find(table, 'a')).toBeInstanceOf(TemporaryError);
      const write = (file: string, value: string): void => {
        const database = new Database(file);
        database.exec(`CREATE TABLE t (v); INSERT INTO t VALUES ('${value}')`);
        database.close();
      };
      write(path, 'one');
      expect(await find(table, 'a')).toBe('one');
      write(`${path}.new`, 'two');
      renameSync(`${path}.new`, path);
      expect(await find(table, 'a')).toBe('two');
      writeFileSync(path, 'not a database, but long enough to be looked at as one'.repeat(40));
      renameSync(path, `${path}.bad`);
      renameSync(`${path}.bad`, path);
      expect(await find(servers.table('sqlite', { dbpath: path, query: 'SELECT v FROM t' }), 'a')).not.toBe('one');
    });
    test('a file that another program holds locked is waited for', async () => {
      const writer = new Database(servers.sqliteFile);
      const table = servers.table('sqlite', { query: byName });
      writer.exec('BEGIN EXCLUSIVE');
      const found = find(table, 'joe');
      await new Promise((done) => setTimeout(done, 100));
      writer.exec('COMMIT');
      writer.close();
      expect(await found).toBe('bare');
    });
    test('a query without end is given up, and does not hold up anybody else', async () => {
      const limits = { connectMilliseconds: 500, queryMilliseconds: 300, maxConnections: 2, maxWaiting: 10 };
      const quick = new Tables({ log, isWatching: false, serverLimits: limits });
      const long = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 8000000) SELECT max(x) FROM c';
      const table = quick.open(servers.table('sqlite', { query: long }));
      await expect(table.lookup('a')).rejects.toThrow('no answer within 0.3 s');
      await expect(table.lookup('a')).rejects.toThrow(TemporaryError);
      quick.close();
    });
  });

  // Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
  describe.skipIf(realPostmap === undefined)('as the real postmap (packages postfix-mysql, -pgsql, -sqlite)', () => {
    const keys = [...rows.map(([name]) => name), ...probes()];
    test.each(sqlTypes.flatMap((type) => templates().map((settings) => [type, settings] as const)))(
      '%s %j',
      async (type, settings) => {
        const table = servers.table(type, settings);
        const { values, fatal } = await askPostmap(servers.folder, table, keys);
        for (const key of keys) {
          const ours = await find(table, key);
          if (ours instanceof TemporaryError) {
            // postmap gives up at the first key that it cannot answer, and what it had found before is lost.
            expect([key, fatal]).toEqual([key, expect.stringMatching(/./)]);
            return;
          }
          if (fatal === '') expect([key, ours]).toEqual([key, values.get(key)]);
        }
        expect(fatal).toBe('');
      },
    );
  });
});

const nastyKeys = [
  "' OR '1'='1",
  "'; DROP TABLE alias; --",
  "\\' OR 1=1 -- ",
  '\\',
  "\\\\'",
  '" OR ""="',
  '`x`',
  '/* */ -- #',
  '%s %u %%',
  '_%',
  '$1 $$ $a$',
  'a\nb\rc\td',
  'ctrl\x01\x1a\x7f',
  'nul\0byte',
  'ümläut@exämple.test',
  '漢字😀@example.test',
  "'".repeat(1000),
  '\\'.repeat(999),
  'x'.repeat(1000),
  '',
];

/** Addresses near the rows, and the shapes that suppress a query. */
function probes(): string[] {
  const random = new Random(7);
  const users = ['joe', 'JOE', 'info', '', "o'hara", '"a b"', 'a@b', '\\', "'", '100%', 'ä'];
  const domains = ['example.com', 'EXAMPLE.com', 'a.example.com', 'catch.test', '', 'a..b.c', '.x.y', 'x.y.', "d'"];
  const made = Array.from({ length: 60 }, () => `${random.pick(users)}@${random.pick(domains)}`);
  return [...new Set([...made, ...domains, ...users, '@', 'joe@'])].filter((key) => key !== '' && key !== ' ');
}

function templates(): Readonly<Record<string, string>>[] {
  return [
    { query: byName },
    { query: "SELECT target, note FROM alias WHERE name = '%u@%d'" },
    { query: "SELECT target FROM alias WHERE name = '@%d'" },
    { query: "SELECT '%s|%u|%d|%S|%U|%D|%1|%2|%%'" },
    { query: "SELECT '%2.%1', '%3'", result_format: '%s-%3' },
    { query: byName, result_format: '%u+%U@%d' },
    { query: byName, result_format: '%d' },
    { query: byName, result_format: 'smtp:[%s]:%%25' },
    { query: byName, domain: 'example.com catch.test' },
    { query: byName, domain: '!example.com, static:all' },
    { query: "SELECT target FROM alias WHERE name LIKE '%%%s'", expansion_limit: '2' },
    { table: 'alias', select_field: 'target', where_field: 'name' },
  ];
}
