// Each table type under one contract, text tables in all their syntax and while they change, maps, match lists.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { MemoryLog } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { Asker } from './asker.ts';
import { Maps } from './maps.ts';
import { MatchList, type MatchStyle } from './match-list.ts';
import { Tables } from './registry.ts';
import type { Table } from './table.ts';

const folder = mkdtempSync(join(tmpdir(), 'tables-'));
const log = new MemoryLog();
const tables = new Tables({ log, isWatching: false, proxyReadMaps: ['proxy:inline:{a=1}'] });
const watching = new Tables({ log, isWatching: true });
afterAll(() => {
  tables.close();
  watching.close();
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function value(table: Table, key: string): Promise<string | undefined> {
  const result = await table.lookup(key);
  return result.kind === 'found' ? result.value : undefined;
}

const asker: Asker = { ask: (_stage, table, key) => table.lookup(key), isTracing: false, note: () => undefined };

const rows = 'user@a.test one\n@b.test two, three\n"x y"@a.test quoted\nÄ@a.test umlaut\n';
const inline = 'inline:{{user@a.test=one},{@b.test=two, three},{"x y"@a.test=quoted},{ä@a.test=umlaut}}';

describe.each([
  ['texthash', () => `texthash:${file('contract', rows)}`],
  ['hash', () => `hash:${file('contract-hash', rows)}`],
  ['inline', () => inline],
])('every table of rows: %s', (_type, name) => {
  test('finds a row, whatever the case, and says where it stands', async () => {
    const table = tables.open(name());
    expect(await value(table, 'USER@a.TEST')).toBe('one');
    expect(await value(table, '@b.test')).toBe('two, three');
    expect(await value(table, '"x y"@a.test')).toBe('quoted');
    expect(await value(table, 'ä@A.test')).toBe('umlaut');
    expect((await table.lookup('user@a.test')) as { source?: string }).toHaveProperty('source');
  });
  test('does not find what is not there', async () => {
    const table = tables.open(name());
    for (const key of ['', 'user', 'user@a.tes', 'ser@a.test', '@a.test'])
      expect(await value(table, key)).toBeUndefined();
  });
  test('is opened once', () => expect(tables.open(name())).toBe(tables.open(name())));
});

describe('text tables', () => {
  test('continuations, comments, blanks, bad lines', async () => {
    const text = 'KEY  Val  ue  \n  cont\n# c\n   # c2\n\n more\nno\n"unb x\nback\\ slash z\nlast x';
    const path = file('syntax', text);
    const table = tables.open(`texthash:${path}`);
    expect(await value(table, 'key')).toBe('Val  ue    cont more');
    expect(await value(table, 'back\\ slash')).toBe('z');
    expect(await value(table, 'last')).toBe('x');
    expect((await table.lookup('last')) as unknown).toMatchObject({ source: `${path}:10` });
    expect(log.lines.some((line) => line.includes(`${path}, line 7: expected format`))).toBe(true);
    expect(log.lines.some((line) => line.includes(`${path}, line 8: unbalanced`))).toBe(true);
  });
  test('a first line that starts with a blank belongs to nothing', async () => {
    const table = tables.open(`texthash:${file('lead', '  lead x\na b\n')}`);
    expect(await value(table, 'lead')).toBeUndefined();
    expect(await value(table, 'a')).toBe('b');
  });
  test('bytes that are not UTF-8 spoil their line only', async () => {
    const table = tables.open(`texthash:${file('latin', Buffer.from('a b\nj\xfcrg x\nc d\n', 'latin1'))}`);
    expect(await value(table, 'c')).toBe('d');
    expect(await value(table, 'j\xfcrg')).toBeUndefined();
  });
  test('a duplicate: hash keeps the first row, texthash cannot be used', async () => {
    const path = file('duplicate', 'a 1\nb 2\nA 3\n');
    expect(await value(tables.open(`hash:${path}`), 'a')).toBe('1');
    await expect(tables.open(`texthash:${path}`).lookup('b')).rejects.toThrow(TemporaryError);
  });
  test('the alias format of postalias', async () => {
    const table = tables.open(`hash:${file('aliases', '# head\nroot: me\n"x y": a\nbar:c\nbaz : d\n')}`);
    expect(await Promise.all(['root', 'x y', 'bar', 'baz'].map((key) => value(table, key)))).toEqual([
      'me',
      'a',
      'c',
      'd',
    ]);
  });
  test('a file that is not there is "could not find out"', async () => {
    await expect(tables.open('hash:/nonexistent/x').lookup('a')).rejects.toThrow(TemporaryError);
  });
  test('a large file is indexed in a worker and answers alike', async () => {
    let text = '';
    for (let index = 0; index < 60_000; index++) text += `user${index}@example.test target${index}@elsewhere.test\n`;
    const table = tables.open(`texthash:${file('large', text)}`);
    expect(await value(table, 'user0@example.test')).toBe('target0@elsewhere.test');
    expect(await value(table, 'user59999@example.test')).toBe('target59999@elsewhere.test');
    expect(await value(table, 'user60000@example.test')).toBeUndefined();
  });
  test('a change is followed, written in place or renamed over, under a new revision', async () => {
    const path = file('changing', 'a 1\n');
    const table = watching.open(`hash:${path}`);
    expect(await value(table, 'a')).toBe('1');
    const before = watching.revision();
    writeFileSync(path, 'a 2\n');
    await vi.waitFor(async () => expect(await value(table, 'a')).toBe('2'), { timeout: 8000, interval: 20 });
    expect(watching.revision()).not.toBe(before);
    renameSync(file('changing.new', 'a 3\n'), path);
    await vi.waitFor(async () => expect(await value(table, 'a')).toBe('3'), { timeout: 8000, interval: 20 });
  });
});

describe('other types', () => {
  test('static always answers, fail never', async () => {
    expect(await value(tables.open('static:{ x y }'), 'anything')).toBe('x y');
    await expect(tables.open('fail:reason').lookup('a')).rejects.toThrow(TemporaryError);
  });
  test('unix:passwd.byname knows root', async () => {
    expect(await value(tables.open('unix:passwd.byname'), 'root')).toContain('root:');
    expect(await value(tables.open('unix:passwd.byname'), 'no-such-user')).toBeUndefined();
  });
  test('proxy: unwraps what proxy_read_maps lists, and nothing else', async () => {
    expect(await value(tables.open('proxy:inline:{a=1}'), 'a')).toBe('1');
    await expect(tables.open('proxy:inline:{b=1}').lookup('b')).rejects.toThrow('not listed in proxy_read_maps');
  });
  test.each([
    ['sdbm:/x', 'not supported: its files'],
    ['nis:mail.aliases', 'not supported: NIS is gone'],
    ['nonsense:/x', 'unknown table type nonsense'],
    ['hash', 'expecting "type:name" form'],
    ['static:', 'expecting "type:name" form'],
    ['inline:x=y', "no '{' at start"],
    ['inline:{}', 'bad syntax'],
    ['inline:{x=y, z}', "missing '='"],
  ])('%s is refused at the start', (name, message) => expect(() => tables.open(name)).toThrow(message));
});

describe('maps', () => {
  const maps = new Maps('test_maps', [
    tables.open('inline:{a=1}'),
    tables.open('inline:{a=2,b=3}'),
    tables.open('fail:x'),
  ]);
  test('the first table that knows the key wins; an error stops the search', async () => {
    expect((await maps.find(asker, 's', 'a', 'full'))?.value).toBe('1');
    expect((await maps.find(asker, 's', 'b', 'full'))?.value).toBe('3');
    await expect(maps.find(asker, 's', 'c', 'full')).rejects.toThrow(TemporaryError);
  });
  test('pattern tables are not asked with partial keys', async () => {
    expect(await maps.find(asker, 's', 'c', 'partial')).toBeUndefined();
  });
});

describe('match lists', () => {
  function list(elements: string[], style: MatchStyle, parentsMatch = true): MatchList {
    return new MatchList({ name: 'test_list', elements, style, parentsMatch, registry: tables, warn: () => undefined });
  }
  const matches = async (one: MatchList, key: string, address = ''): Promise<boolean> =>
    await one.matches(asker, 's', key, address);

  test('exact: themselves only', async () => {
    const one = list(['A.test', 'inline:{t.test=x}'], 'exact');
    expect(await matches(one, 'a.TEST')).toBe(true);
    expect(await matches(one, 't.test')).toBe(true);
    expect(await matches(one, 'b.a.test')).toBe(false);
    expect(await matches(one, 'b.t.test')).toBe(false);
  });
  test('domains match by parents, or only with a dot', async () => {
    expect(await matches(list(['p.test'], 'domain'), 'a.b.p.test')).toBe(true);
    expect(await matches(list(['p.test'], 'domain'), 'xp.test')).toBe(false);
    expect(await matches(list(['.p.test'], 'domain', false), 'a.b.p.test')).toBe(true);
    expect(await matches(list(['.p.test'], 'domain', false), 'p.test')).toBe(false);
    expect(await matches(list(['inline:{t.test=x}'], 'domain'), 'a.t.test')).toBe(true);
  });
  test('the first that matches decides, a negation too', async () => {
    const one = list(['!no.p.test', 'p.test'], 'domain');
    expect(await matches(one, 'no.p.test')).toBe(false);
    expect(await matches(one, 'yes.p.test')).toBe(true);
  });
  test('networks', async () => {
    const one = list(['!10.1.2.3', '10.0.0.0/8', '[2001:db8::]/32', '192.0.2.7', 'host.test'], 'client');
    expect(await matches(one, '', '10.9.9.9')).toBe(true);
    expect(await matches(one, '', '10.1.2.3')).toBe(false);
    expect(await matches(one, '', '::ffff:10.9.9.9')).toBe(true);
    expect(await matches(one, '', '2001:db8::7')).toBe(true);
    expect(await matches(one, '', '2001:db9::7')).toBe(false);
    expect(await matches(one, 'a.host.test', '203.0.113.1')).toBe(true);
    expect(() => list(['10.1.0.0/8'], 'client')).toThrow('non-null host address bits');
    expect(() => list(['10.0.0.0/33'], 'client')).toThrow('bad net/mask');
  });
  test('the contents of a file are inserted', async () => {
    const path = file('domains', '# comment\na.test, b.test\n c.test # rest\n');
    const one = list([path, '!d.test'], 'exact');
    expect(await Promise.all(['a.test', 'b.test', 'c.test', 'rest'].map((key) => matches(one, key)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
  test('a table that fails leaves the question open', async () => {
    await expect(matches(list(['fail:x'], 'exact'), 'a.test')).rejects.toThrow(TemporaryError);
  });
});
