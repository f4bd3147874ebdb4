// The readers of index files, against what the real postmap(1) and postalias(1) write; tables that have only an index;
// files that are damaged.

import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { noRealPostmap, RealPostmap } from '../../../test/harness/real-postmap.ts';
import { MemoryLog } from '../../lib/log.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { Tables } from '../registry.ts';
import type { Table } from '../table.ts';
import { BerkeleyBtreeReader } from './berkeley-btree-reader.ts';
import { BerkeleyHashReader } from './berkeley-hash-reader.ts';
import { CdbReader } from './cdb-reader.ts';
import { CorruptIndexError, type IndexReader } from './index-bytes.ts';
import { LmdbReader } from './lmdb-reader.ts';
import { indexPath, type IndexType } from './index-path.ts';

const types: readonly IndexType[] = ['hash', 'btree', 'lmdb', 'cdb'];
const readers: Readonly<Record<IndexType, new (file: Buffer) => IndexReader>> = {
  hash: BerkeleyHashReader,
  btree: BerkeleyBtreeReader,
  lmdb: LmdbReader,
  cdb: CdbReader,
};

const folder = mkdtempSync(join(tmpdir(), 'index-files-'));
const log = new MemoryLog();
const tables = new Tables({ log, isWatching: false });
const watching = new Tables({ log, isWatching: true });
afterAll(() => {
  tables.close();
  watching.close();
  rmSync(folder, { recursive: true });
});

/** Rows enough for several levels of pages; values and keys that need overflow pages. */
function manyRows(count: number): Map<string, string> {
  const rows = new Map<string, string>();
  for (let index = 0; index < count; index++) rows.set(`user${index}@example.test`, `target${index}@elsewhere.test`);
  rows.set('list@example.test', Array.from({ length: 2000 }, (_, index) => `member${index}@elsewhere.test`).join(', '));
  rows.set(`${'k'.repeat(480)}@example.test`, 'long key');
  rows.set('@example.test', 'catch-all@elsewhere.test');
  rows.set('ümlaut@example.test', 'ü@elsewhere.test');
  return rows;
}

function textOf(rows: ReadonlyMap<string, string>): string {
  return [...rows].map(([key, value]) => `${key} ${value}\n`).join('');
}

async function value(table: Table, key: string): Promise<string | undefined> {
  const result = await table.lookup(key);
  return result.kind === 'found' ? result.value : undefined;
}

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(noRealPostmap !== undefined)(`index files of the real postmap (${noRealPostmap ?? 'Postfix'})`, () => {
  const rows = manyRows(3000);
  let postmap: RealPostmap;

  /** The text, its index, and, where only the index is wanted, no text. */
  function make(type: IndexType, name: string, text: string, keepsText = false): string {
    const path = join(folder, `${name}-${type}`);
    writeFileSync(path, text);
    postmap.index(`${type}:${path}`);
    if (!keepsText) rmSync(path);
    return path;
  }

  beforeAll(() => {
    postmap = new RealPostmap(folder);
  });

  test.each(types)('%s: every row is found, and no other', async (type) => {
    const path = make(type, 'many', textOf(rows));
    const table = tables.open(`${type}:${path}`);
    for (const [key, expected] of rows) expect(await value(table, key)).toBe(expected);
    expect(await value(table, 'USER7@Example.TEST')).toBe('target7@elsewhere.test');
    for (const key of ['', 'user', 'user3000@example.test', '@example.tes', 'zzz', 'user1@example.test\0'])
      expect(await value(table, key)).toBeUndefined();
    expect(await table.lookup('user1@example.test')).toMatchObject({ source: indexPath(type, path) });
    const listed = new Map<string, string>();
    for await (const row of table.entries?.() ?? []) listed.set(row.key, row.value);
    expect(listed).toEqual(rows);
  });

  test.each(types)('%s: the shapes of small files: nothing, one row, a row on the last page', async (type) => {
    expect(await value(tables.open(`${type}:${make(type, 'empty', '# nothing\n')}`), 'a')).toBeUndefined();
    const one = tables.open(`${type}:${make(type, 'one', 'a 1\n')}`);
    expect(await value(one, 'a')).toBe('1');
    expect(await value(one, 'b')).toBeUndefined();
    const growing = manyRows(150);
    const table = tables.open(`${type}:${make(type, 'growing', textOf(growing))}`);
    for (const [key, expected] of growing) expect(await value(table, key)).toBe(expected);
  });

  test('what postalias wrote', async () => {
    const path = join(folder, 'aliases');
    writeFileSync(path, 'Postmaster: root\nroot: admin@example.test\n"x y": z\n');
    postmap.index(`hash:${path}`, 'postalias');
    rmSync(path);
    const table = tables.open(`hash:${path}`);
    expect(await value(table, 'postmaster')).toBe('root');
    expect(await value(table, 'x y')).toBe('z');
  });

  test('a text is read before its index, also where the index knows more; a stale index is named', async () => {
    const path = make('hash', 'stale', 'a 1\nb 2\n', true);
    writeFileSync(path, 'a 3\n');
    utimesSync(path, 2_000_000, 2_000_000);
    utimesSync(`${path}.db`, 1_000_000, 1_000_000);
    const table = tables.open(`hash:${path}`);
    expect(await value(table, 'a')).toBe('3');
    expect(await value(table, 'b')).toBeUndefined();
    expect(log.lines).toContainEqual(expect.stringContaining(`database ${path}.db is older than source file ${path}`));
    expect((await postmap.query(`hash:${path}`, 'a')).stderr).toContain('is older than source file');
  });

  test.each(types)('%s: another index in its place is followed; so is a text that appears', async (type) => {
    const path = make(type, 'changing', 'a 1\n');
    const table = watching.open(`${type}:${path}`);
    expect(await value(table, 'a')).toBe('1');
    const before = watching.revision();
    const other = make(type, 'other', 'a 2\n');
    copyFileSync(indexPath(type, other), indexPath(type, path));
    await vi.waitFor(async () => expect(await value(table, 'a')).toBe('2'), { timeout: 8000, interval: 20 });
    expect(watching.revision()).not.toBe(before);
    writeFileSync(path, 'a 3\n');
    await vi.waitFor(async () => expect(await value(table, 'a')).toBe('3'), { timeout: 8000, interval: 20 });
    rmSync(path);
    await vi.waitFor(async () => expect(await value(table, 'a')).toBe('2'), { timeout: 8000, interval: 20 });
  });

  test('a file of another kind is "could not find out", with the reason', async () => {
    const hash = indexPath('hash', make('hash', 'kind', 'a 1\n'));
    for (const type of ['btree', 'lmdb', 'cdb'] as const) {
      const path = join(folder, `wrong-${type}`);
      copyFileSync(hash, indexPath(type, path));
      const lookup = tables.open(`${type}:${path}`).lookup('a');
      await expect(lookup).rejects.toThrow(TemporaryError);
      await expect(lookup).rejects.toThrow(indexPath(type, path));
    }
  });

  // A damaged file may answer, wrongly even (no format here has checksums), but it never hangs and never throws
  // anything else. The seed is fixed.
  test.each(types)('%s: 2,000 damaged files are read to an end', (type) => {
    const good = readFileSync(indexPath(type, make(type, 'damaged', textOf(manyRows(200)))));
    let seed = 4711;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return seed % below;
    };
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.from(round % 10 === 0 ? good.subarray(0, random(good.length)) : good);
      for (let flips = random(12); flips >= 0 && bytes.length > 0; flips--) {
        // Heads of pages are hit more often than what lies between.
        const at = random(2) === 0 ? random(bytes.length) : Math.floor(random(bytes.length) / 4096) * 4096 + random(64);
        if (at < bytes.length) bytes[at] = random(256);
      }
      try {
        const reader = new readers[type](bytes);
        for (const key of ['user7@example.test\0', 'list@example.test', 'list@example.test\0']) {
          reader.find(Buffer.from(key));
        }
        for (const [key, found] of reader.entries()) if (key.length + found.length > 1 << 24) break;
      } catch (error) {
        if (!(error instanceof CorruptIndexError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(200);
  });
});

describe('index files without a text', () => {
  test('neither text nor index: the text is what is missing', async () => {
    await expect(tables.open('lmdb:/nonexistent/x').lookup('a')).rejects.toThrow("'/nonexistent/x'");
  });
  test('dbm: has its text only', async () => {
    const path = join(folder, 'dbm');
    writeFileSync(path, 'A 1\n');
    expect(await value(tables.open(`dbm:${path}`), 'a')).toBe('1');
    await expect(tables.open(`dbm:${path}-missing`).lookup('a')).rejects.toThrow(TemporaryError);
  });
  test('a file that is cut short is "could not find out"', async () => {
    for (const type of types) {
      const path = join(folder, `short-${type}`);
      writeFileSync(indexPath(type, path), 'short');
      await expect(tables.open(`${type}:${path}`).lookup('a')).rejects.toThrow(TemporaryError);
    }
  });
});
