// Each kind of difference that people plant by accident when they move files into SQL, found between a text and SQLite.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';
import { MemoryLog } from '../lib/log.ts';
import { Tables } from '../tables/registry.ts';
import { compareTables, type TableComparison } from './compare-tables.ts';
import { OwnSide } from './table-side.ts';

const folder = mkdtempSync(join(tmpdir(), 'compare-'));
const tables = new Tables({ log: new MemoryLog(), isWatching: false });
afterAll(() => {
  tables.close();
  rmSync(folder, { recursive: true });
});

type Rows = readonly (readonly [key: string, value: string])[];

const rows: Rows = [
  ['info@d.test', 'Sales@d.test, joe@d.test'],
  ['joe@d.test', 'joe@d.test'],
  ['list+news@d.test', 'news@d.test'],
  ['@d.test', 'all@d.test'],
  ['bare', 'info@d.test'],
];
const exact = "SELECT v FROM t WHERE k = '%s'";
let count = 0;

function textOf(some: Rows): string {
  const name = join(folder, `text${count++}`);
  writeFileSync(name, some.map(([key, value]) => `${key}\t${value}\n`).join(''));
  return `hash:${name}`;
}

function sqlOf(some: Rows, query = exact): string {
  const name = join(folder, `sql${count++}`);
  const database = new Database(`${name}.db`);
  database.exec('CREATE TABLE t (k TEXT, v TEXT)');
  for (const row of some) database.prepare('INSERT INTO t VALUES (?, ?)').run(...row);
  database.close();
  writeFileSync(name, `dbpath = ${name}.db\nquery = ${query}\n`);
  return `sqlite:${name}`;
}

async function compare(a: readonly string[], b: readonly string[]): Promise<TableComparison> {
  const [first, second] = [a, b].map((names) => new OwnSide(names.map((name) => tables.open(name))));
  if (first === undefined || second === undefined) throw new Error('two sides');
  return await compareTables(first, second, { sources: [first, second], delimiters: '+' });
}

function replaced(key: string, row: readonly [string, string] | undefined): Rows {
  return rows.flatMap((one) => (one[0] === key ? (row === undefined ? [] : [row]) : [one]));
}

describe('comparing tables', () => {
  test('the same rows are equal, and that is a proof', async () => {
    expect(await compare([textOf(rows)], [sqlOf(rows)])).toMatchObject({ differing: 0, keys: 5, untold: [] });
  });

  test('blanks around commas are no difference', async () => {
    const other = replaced('info@d.test', ['info@d.test', 'Sales@d.test,joe@d.test']);
    expect((await compare([textOf(rows)], [sqlOf(other)])).differing).toBe(0);
  });

  test.each([
    ['case of a key', sqlOf(replaced('joe@d.test', ['Joe@d.test', 'joe@d.test'])), 'joe@d.test'],
    ['case of a result', sqlOf(replaced('info@d.test', ['info@d.test', 'sales@d.test, joe@d.test'])), 'info@d.test'],
    ['extension lost', sqlOf(replaced('list+news@d.test', ['list@d.test', 'news@d.test'])), 'list@d.test'],
    ['blank behind a key', sqlOf(replaced('joe@d.test', ['joe@d.test ', 'joe@d.test'])), 'joe@d.test'],
    ['blank behind a result', sqlOf(replaced('joe@d.test', ['joe@d.test', 'joe@d.test '])), 'joe@d.test'],
    ['identity row missing', sqlOf(replaced('joe@d.test', undefined)), 'joe@d.test'],
    ['a row too many', sqlOf([...rows, ['z@d.test', 'x@y']]), 'z@d.test'],
    [
      'a catch-all that answers before its turn',
      sqlOf(rows, "SELECT v FROM t WHERE k = '%s' OR k = '@%d' ORDER BY k DESC LIMIT 1"),
      'no-such-user-here@d.test',
    ],
  ])('%s', async (_name, other, key) => {
    const { differences } = await compare([textOf(rows)], [other]);
    expect(differences.map((one) => one.key)).toContain(key);
    const other2 = await compare([other], [textOf(rows)]);
    expect(other2.differing).toBe(differences.length);
  });

  test('V3: a catch-all asked with %d answers for the user with an extension', async () => {
    const early = sqlOf(rows, "SELECT v FROM t WHERE k = '%s' OR k = '@%d' ORDER BY k DESC LIMIT 1");
    const { differences } = await compare([textOf(rows)], [early]);
    const extended = differences.find(({ key }) => /^joe\+\w+@d\.test$/.test(key));
    expect(extended).toMatchObject({ first: { kind: 'not-found' }, second: { kind: 'found' } });
  });

  test('the order of two tables decides', async () => {
    const forward = textOf([['joe@d.test', 'away@else.test']]);
    const { differences } = await compare([textOf(rows), forward], [forward, sqlOf(rows)]);
    expect(differences[0]).toMatchObject({ key: 'joe@d.test', second: { value: 'away@else.test' } });
  });

  test('the smallest key of a row comes first', async () => {
    const { differences } = await compare([textOf(rows)], [sqlOf([])]);
    expect(differences[0]?.key).toBe('bare');
  });

  test('patterns are compared at probes, which is said', async () => {
    const { untold } = await compare(['static:x'], ['inline:{a=x}']);
    expect(untold).toEqual(['static:x']);
    expect((await compare(['static:x'], ['static:x'])).untold).toEqual([]);
  });

  test('a table that cannot be asked is never equal to one that finds nothing', async () => {
    const { differences } = await compare(['fail:x'], [textOf([['bare', 'y']])]);
    expect(differences.every(({ first }) => first.kind === 'error')).toBe(true);
    expect(differences.length).toBeGreaterThan(3);
  });
});
