// unionmap:, pipemap:, randmap:, environ:, and the braces of static: and inline:.

import { describe, expect, test } from 'vitest';
import { MemoryLog } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { Tables } from './registry.ts';

const tables = new Tables({
  log: new MemoryLog(),
  isWatching: false,
  proxyReadMaps: ['proxy:unionmap:{inline:{a=1},inline:{a=2}}', 'proxy:inline:{b=C}'],
  environment: { tz: 'UTC', PATH: '/bin' },
});

async function value(name: string, key: string): Promise<string | undefined> {
  const result = await tables.open(name).lookup(key);
  return result.kind === 'found' ? result.value : undefined;
}

describe('unionmap', () => {
  test('joins all results with commas, and says where they come from', async () => {
    const table = tables.open('unionmap:{inline:{{a=1, 2}}, inline:{b=3} static:x}');
    expect(await table.lookup('A')).toEqual({
      kind: 'found',
      value: '1, 2,x',
      source: 'inline:{{a=1, 2}}, static:x',
    });
    expect(await value('unionmap:{inline:{a=1},inline:{b=3}}', 'c')).toBeUndefined();
  });
  test('an empty result adds nothing in front', async () => {
    expect(await value('unionmap:{pcre:{{/a/}},inline:{a=1},pcre:{{/a/}}}', 'a')).toBe('1,');
    expect(await value('unionmap:{pcre:{{/a/}}}', 'a')).toBeUndefined();
  });
  test('an error of one is an error of all', async () => {
    await expect(value('unionmap:{inline:{a=1},fail:x}', 'a')).rejects.toThrow(TemporaryError);
  });
  test('through proxy:, and of tables behind proxy:', async () => {
    expect(await value('proxy:unionmap:{inline:{a=1},inline:{a=2}}', 'a')).toBe('1,2');
    expect(await value('unionmap:{proxy:inline:{b=C},static:x}', 'b')).toBe('C,x');
    await expect(value('unionmap:{proxy:inline:{z=C},static:x}', 'z')).rejects.toThrow('proxy_read_maps');
  });
});

describe('pipemap', () => {
  test('each table is asked with the result of the one before; any miss is a miss', async () => {
    expect(await value('pipemap:{inline:{a=B},inline:{b=C}}', 'a')).toBe('C');
    expect(await value('pipemap:{inline:{a=B},inline:{x=C}}', 'a')).toBeUndefined();
    expect(await value('pipemap:{inline:{a=B},pcre:{{/^B$/i exact}}}', 'A')).toBe('exact');
    await expect(value('pipemap:{inline:{a=B},fail:x}', 'a')).rejects.toThrow(TemporaryError);
    expect(await value('pipemap:{inline:{b=B},fail:x}', 'a')).toBeUndefined();
  });
});

test('the kind is that of the first table', () => {
  expect(tables.open('unionmap:{inline:{a=1},pcre:{}}').kind).toBe('fixed');
  expect(tables.open('unionmap:{pcre:{},inline:{a=1}}').kind).toBe('pattern');
  expect(tables.open('pipemap:{cidr:{},inline:{a=1}}').kind).toBe('pattern');
  expect(tables.open('randmap:{a}').kind).toBe('pattern');
});

test('$1 is refused in the tables within, too', async () => {
  const name = 'unionmap:{pcre:{{/(a)/ $1},{/(a)/ b}}}';
  const plain = tables.open(name, { allowsSubstitution: false });
  expect(await plain.lookup('a')).toMatchObject({ value: 'b' });
  expect(await value(name, 'a')).toBe('a');
});

test('randmap answers any key with one of its values', async () => {
  const seen = new Set<string | undefined>();
  for (let index = 0; index < 100; index++) seen.add(await value('randmap:{x, {y z}}', String(index)));
  expect(seen).toEqual(new Set(['x', '{y z}']));
});

test('environ knows names in lower case', async () => {
  expect(await value('environ:any', 'TZ')).toBe('UTC');
  expect(await value('environ:any', 'PATH')).toBeUndefined();
  expect(await value('environ:any', 'toString')).toBeUndefined();
});

test('braces of static and inline', async () => {
  expect(await value('static:{ a, b }', 'x')).toBe('a, b');
  expect(await value('static:{ }', 'x')).toBe('');
  expect(await value('inline:{a=}', 'a')).toBe('');
  expect(await value('inline:{{a = b=c }}', 'a')).toBe('b=c');
});

test.each([
  ['unionmap:{}', 'bad syntax: "unionmap:{}"; need "unionmap:{type:name...}"'],
  ['unionmap:{inline:{a=1}}x', 'bad syntax'],
  ['pipemap:{foo}', 'bad syntax'],
  ['pipemap:{nosuch:x}', 'unknown table type nosuch'],
  ['randmap:x', 'need "randmap:{value...}"'],
  ['static:{a} {b}', "syntax error after '}'"],
  ['static:{a', "missing '}'"],
  ['inline:{{a=b}x}', "syntax error after '}'"],
  ['inline:{a = b}', "missing '='"],
  ['inline:{=b}', 'missing attribute name'],
])('%s is refused', (name, message) => expect(() => tables.open(name)).toThrow(message));
