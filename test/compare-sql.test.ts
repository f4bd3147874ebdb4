// `posthaste compare hash:… mysql:…` on 100,000 rows of a real MariaDB: proved equal in time, and one planted
// difference of each kind is found.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryLog } from '../src/lib/log.ts';
import { compareTables, type TableComparison } from '../src/proof/compare-tables.ts';
import { OwnSide } from '../src/proof/table-side.ts';
import { Tables } from '../src/tables/registry.ts';
import { hasMariaDb, MariaDbServer } from './harness/mariadb.ts';

const folder = mkdtempSync(join(tmpdir(), 'compare-sql-'));
chmodSync(folder, 0o755);
const rowCount = 100_000;
// What is planted among few rows is found as it is among many.
const fewRows = 2_000;
const text = join(folder, 'virtual');
const fewText = join(folder, 'few');
const tables = new Tables({ log: new MemoryLog(), isWatching: false });

function rowOf(index: number): readonly [string, string] {
  const domain = `d${index % 500}.test`;
  if (index < 500) return [`@${domain}`, `all@${domain}`];
  if (index % 7 === 0) return [`u${index}@${domain}`, `u${index}@${domain}`];
  if (index % 11 === 0) return [`u${index}+news@${domain}`, `News.${index}@else.test`];
  return [`u${index}@${domain}`, `x${index}@else.test,y${index}@else.test`];
}

async function compare(text: string, sql: string): Promise<TableComparison> {
  const [first, second] = [new OwnSide([tables.open(`hash:${text}`)]), new OwnSide([tables.open(sql)])];
  return await compareTables(first, second, { sources: [first, second], delimiters: '+' });
}

// Skipped where MariaDB (scripts/install-test-servers) is not there; CI installs it and counts a skip as a failure.
describe.skipIf(!hasMariaDb)('100,000 rows of hash: and mysql: (needs mariadb-server)', () => {
  const server = new MariaDbServer(join(folder, 'my'));
  let source = '';

  function table(query: string): string {
    const name = join(folder, `cf${Math.random().toString(36).slice(2)}`);
    writeFileSync(name, `${source}query = ${query}\n`);
    return `mysql:${name}`;
  }

  beforeAll(async () => {
    const rows = Array.from({ length: rowCount }, (_, index) => rowOf(index));
    const lines = rows.map(([key, value]) => `${key} ${value}\n`);
    writeFileSync(text, lines.join(''));
    writeFileSync(fewText, lines.slice(0, fewRows).join(''));
    await server.start();
    const values = rows.map(([key, value]) => `('${key}','${value}')`);
    server.execute('CREATE DATABASE mail CHARACTER SET utf8mb4');
    server.execute(
      `CREATE TABLE alias (address VARCHAR(190) COLLATE utf8mb4_nopad_bin PRIMARY KEY, goto VARCHAR(190));
       INSERT INTO alias VALUES ${values.join(',')};
       CREATE TABLE few LIKE alias; INSERT INTO few VALUES ${values.slice(0, fewRows).join(',')};`,
      'mail',
    );
    source = `hosts = unix:${server.socket}\nuser = root\ndbname = mail\n`;
  }, 60_000);
  afterAll(async () => {
    tables.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('the same rows are proved equal within 30 s', { timeout: 90_000 }, async () => {
    const began = performance.now();
    const { differing, keys, probes, untold } = await compare(
      text,
      table("SELECT goto FROM alias WHERE address = '%s'"),
    );
    expect({ differing, keys, untold }).toEqual({ differing: 0, keys: rowCount, untold: [] });
    expect(probes).toBeGreaterThan(rowCount + 10_000);
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  test.each([
    ['case', "UPDATE few SET address = 'U507@d7.test' WHERE address = 'u507@d7.test'", 'u507@d7.test'],
    ['extension', "UPDATE few SET address = 'u506@d6.test' WHERE address = 'u506+news@d6.test'", 'u506@d6.test'],
    ['trailing space', "UPDATE few SET address = 'u508@d8.test ' WHERE address = 'u508@d8.test'", 'u508@d8.test'],
    ['missing identity row', "DELETE FROM few WHERE address = 'u511@d11.test'", 'u511@d11.test'],
  ])('planted: %s', async (_kind, change, key) => {
    server.execute(change, 'mail');
    try {
      const { differences, differing } = await compare(fewText, table("SELECT goto FROM few WHERE address = '%s'"));
      expect(differing).toBeLessThan(10);
      expect(differences.map((one) => one.key)).toContain(key);
    } finally {
      server.execute(
        `DELETE FROM few WHERE address REGEXP '^[uU]5(06|07|08|11)[+@]';
         INSERT INTO few VALUES ${[506, 507, 508, 511].map((index) => `('${rowOf(index).join("','")}')`).join(',')}`,
        'mail',
      );
    }
  });

  test('planted: a catch-all that answers before its turn', async () => {
    const query = "SELECT goto FROM few WHERE address = '%s' OR address = '@%d' ORDER BY LENGTH(address) DESC LIMIT 1";
    const { differences, differing } = await compare(fewText, table(query));
    expect(differing).toBeGreaterThan(500);
    for (const { first, second } of differences) {
      expect(first.kind).toBe('not-found');
      expect(second).toMatchObject({ value: expect.stringMatching(/^all@/) as string });
    }
  });
});
