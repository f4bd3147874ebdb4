// pcre:, regexp: and cidr: tables: what their manuals promise, mistakes line by line, changes to the file, and keys
// that are made to hold up the server. Both engines where a pattern is matched.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { MemoryLog, ProgramLog } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { CidrRulesBuilder } from './cidr-table.ts';
import { PatternRulesBuilder } from './pattern-rules.ts';
import { openPcreLibrary } from './patterns/pcre-library.ts';
import { openPosixLibrary } from './patterns/posix-library.ts';
import { pcreDialect } from './pcre-table.ts';
import { regexpDialect } from './regexp-table.ts';
import { Tables } from './registry.ts';
import { RuleTable } from './rule-table.ts';
import type { Table } from './table.ts';

const folder = mkdtempSync(join(tmpdir(), 'rules-'));
const log = new MemoryLog();
const tables = new Tables({ log, isWatching: false });
const watching = new Tables({ log, isWatching: true });
afterAll(() => {
  tables.close();
  watching.close();
  rmSync(folder, { recursive: true });
});

let files = 0;
function file(text: string | Buffer): string {
  const path = join(folder, `table${files++}`);
  writeFileSync(path, text);
  return path;
}

async function value(table: Table, key: string): Promise<string | undefined> {
  const result = await table.lookup(key);
  return result.kind === 'found' ? result.value : undefined;
}

/** The warnings of opening a table with this text, without the file's name. */
async function complaints(type: string, text: string): Promise<string[]> {
  const path = file(text);
  const before = log.lines.length;
  await tables.open(`${type}:${path}`).lookup('x');
  return log.lines.slice(before).map((line) => line.replace(/^.*?, (line \d+)/, '$1'));
}

const engines = [
  { name: 'pcre by libpcre2', type: 'pcre', isMissing: openPcreLibrary() === undefined, library: true },
  { name: 'pcre by our engine', type: 'pcre', isMissing: false, library: false },
  { name: 'regexp by glibc', type: 'regexp', isMissing: openPosixLibrary() === undefined, library: true },
  { name: 'regexp by our engine', type: 'regexp', isMissing: false, library: false },
] as const;

for (const { name, type, isMissing, library } of engines) {
  // Skipped where the native library that it drives cannot be called (see isMissing above); CI has it and counts a skip as a failure.
  describe.skipIf(isMissing)(name, () => {
    const dialect = type === 'pcre' ? pcreDialect(library) : regexpDialect(library);
    const open = (text: string, allowsSubstitution = true): RuleTable => {
      const path = file(text);
      return new RuleTable({
        type,
        name: path,
        build: (warn) => new PatternRulesBuilder(dialect, `${type}:${path}`, allowsSubstitution, warn),
        isWatched: false,
        log: new ProgramLog(log, 'test'),
        onChange: () => undefined,
      });
    };

    test('the first rule that matches decides, and says where it stands', async () => {
      const path = file('/^a@/ one\n\n# c\n/b/\n  two\n /c/ three\n');
      const table = tables.open(`${type}:${path}`);
      expect(await value(table, 'a@b')).toBe('one');
      expect(await table.lookup('b@x')).toEqual({ kind: 'found', value: 'two /c/ three', source: `${path}:4` });
      expect(await value(table, 'c')).toBeUndefined();
    });
    test('case does not count, unless the flag i is there; flags toggle', async () => {
      const table = open('/^A$/i upper\n/^a$/ any\n/^b$/ii any b\n');
      expect(await value(table, 'A')).toBe('upper');
      expect(await value(table, 'a')).toBe('any');
      expect(await value(table, 'B')).toBe('any b');
    });
    test('case counts beyond ASCII, and a dot is one byte', async () => {
      const table = open('/^Ä$/ upper\n/^..$/ two\n');
      expect(await value(table, 'Ä')).toBe('upper');
      expect(await value(table, 'ä')).toBe('two');
    });
    test('$1 in its three forms, $$, groups that took no part', async () => {
      const table = open('/^(a+)(b)?@(.*)$/ $1-${2}-$(3) $$1 ${3}x\n');
      expect(await value(table, 'aa@ö.test')).toBe('aa--ö.test $1 ö.testx');
    });
    test('DUNNO and the empty text are results', async () => {
      const table = open('/^a/ DUNNO\n/^b/\n/./ other\n');
      expect(await value(table, 'a')).toBe('DUNNO');
      expect(await value(table, 'b')).toBe('');
    });
    test('! and if … endif, nested and negated', async () => {
      const table = open('if /@a/\nif !/^x/\n/1/ a1\nendif\n!/^(x|1)/ not x\nEndif\n! /a/ no a\nif /q/\n/q/ q\n');
      expect(await value(table, '1@a')).toBe('a1');
      expect(await value(table, 'x1@a')).toBeUndefined();
      expect(await value(table, 'y@a')).toBe('not x');
      expect(await value(table, 'b')).toBe('no a');
      expect(await value(table, 'qa')).toBe('q');
    });
    test('any delimiter; an escaped one belongs to the pattern', async () => {
      const table = open('~^a/~ slash\n!^b\\!$! bang\n,^c\\,$, comma\n');
      expect(await value(table, 'a/')).toBe('slash');
      expect(await value(table, 'c,')).toBe('comma');
      expect(await value(table, 'b!')).toBeUndefined();
    });
    test('$1 is refused where results must not come from the key', async () => {
      const table = open('/^(a)/ smtp:$1\n/^(a)/ smtp:[x]\n', false);
      expect(await value(table, 'a')).toBe('smtp:[x]');
    });
    test('a result that cuts a character in two is "could not find out"', async () => {
      await expect(open('/^(.)/ $1\n').lookup('ä')).rejects.toThrow('not UTF-8');
    });
    test('a key made to match for ever is answered or given up quickly', async () => {
      const key = `${'a'.repeat(3000)}!`;
      const table = open(type === 'pcre' ? '/^(a+)+$/ x\n' : '/^(a+)+$/ x\n/^((a*)*)*(b|\\2)*$/ y\n');
      const started = process.hrtime.bigint();
      await table.lookup(key).catch((error: Error) => expect(error).toBeInstanceOf(TemporaryError));
      expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(1000);
    });
  });
}

describe('mistakes', () => {
  test('name their line, and the other rules hold', async () => {
    const text = '/a\n/(/ x\n/a/q x\n/(a)/ $2\n!/(a)/ $1\n/(a)/ $1x\n/a/ $\nfoo\n/x/ good\n';
    expect(await complaints('pcre', text)).toEqual([
      'line 1: no closing regexp delimiter "/": skipping this rule',
      'line 2: error in regex at offset 1: missing closing parenthesis: skipping this rule',
      'line 3: unknown regexp option "q": skipping this rule',
      'line 4: out of range replacement index "2": skipping this rule',
      'line 5: $number found in negative match replacement text: skipping this rule',
      'line 6: non-numeric replacement index "1x": bad replacement syntax: skipping this rule',
      'line 7: empty macro name: bad replacement syntax: skipping this rule',
      'line 8: ignoring unrecognized request',
    ]);
    expect(await value(tables.open(`pcre:${file(text)}`), 'x')).toBe('good');
  });
  test('ifs that do not fit', async () => {
    expect(await complaints('regexp', 'endif\nif /a/ b\nif /b/\nendif c\n')).toEqual([
      'line 1: ignoring ENDIF without matching IF',
      'line 2: ignoring extra text after IF statement: "b"',
      'line 2: do not prepend whitespace to statements between IF and ENDIF',
      'line 4: ignoring extra text after ENDIF',
      'line 2: IF has no matching ENDIF',
    ]);
  });
  test('networks', async () => {
    const text = '10.0.0.1/8 x\n1.2.3.4/33 x\n01.2.3.4 x\n1.2.3.4\n[1.2.3.4 x\nendif\nif\n::1/64 x\n';
    expect(await complaints('cidr', text)).toEqual([
      'line 1: non-null host address bits in "10.0.0.1/8", perhaps you should use "10.0.0.0/8" instead: skipping this rule',
      'line 2: bad mask length in "1.2.3.4/33": skipping this rule',
      'line 3: bad address pattern: "01.2.3.4": skipping this rule',
      'line 4: no lookup result: skipping this rule',
      `line 5: missing ']' character after "[1.2.3.4": skipping this rule`,
      'line 6: ENDIF without IF: skipping this rule',
      'line 7: no address pattern: skipping this rule',
      'line 8: non-null host address bits in "::1/64", perhaps you should use "::/64" instead: skipping this rule',
    ]);
  });
  test('a file that is not there is "could not find out"', async () => {
    for (const type of ['pcre', 'regexp', 'cidr']) {
      await expect(tables.open(`${type}:/nonexistent/x`).lookup('a')).rejects.toThrow(TemporaryError);
    }
  });
});

describe('regexp only', () => {
  test('a second pattern that must not match', async () => {
    const table = tables.open(`regexp:${file('/^(a)/!/z/ $1 not z\n/^(a)/!!/z/ both\n')}`);
    expect(await value(table, 'ab')).toBe('a not z');
    expect(await value(table, 'az')).toBe('both');
  });
  test('basic patterns with the flag x; line ends with m', async () => {
    const table = tables.open(`regexp:${file('/^\\(a+\\)$/x basic $1\n/^b.c$/m lines\n/^b.c$/ dot\n')}`);
    expect(await value(table, 'a+')).toBe('basic a+');
    expect(await value(table, 'x\nbxc\nx')).toBe('lines');
    expect(await value(table, 'b\nc')).toBe('dot');
  });
});

describe('cidr', () => {
  test('the first network that holds the address; if, !, brackets, both families', async () => {
    const table = tables.open(
      `cidr:${file(
        '10.1.0.0/16 first\n10.0.0.0/8 ten\n[192.0.2.0]/24 brackets\nif 2001:db8::/32\n2001:db8::1 host\n!2001:db8::/48 other\nendif\n!203.0.113.0/24 rest\n',
      )}`,
    );
    const answers = ['10.1.2.3', '10.2.0.0', '192.0.2.9', '2001:DB8::1', '2001:db8:1::', '2001:db8::2', '::1'];
    expect(await Promise.all(answers.map((key) => value(table, key)))).toEqual([
      'first',
      'ten',
      'brackets',
      'host',
      'other',
      undefined,
      undefined,
    ]);
    expect(await value(table, '203.0.113.7')).toBeUndefined();
    expect(await value(table, '8.8.8.8')).toBe('rest');
    for (const key of ['example.test', '10.1', '::ffff:10.1.2.3', 'fe80::1%eth0', '']) {
      expect(await value(table, key)).toBeUndefined();
    }
  });
  test('a hundred thousand networks cost a look for each length', () => {
    const builder = new CidrRulesBuilder(() => undefined);
    for (let index = 0; index < 100_000; index++) {
      builder.add({ text: `${index >> 16}.${(index >> 8) & 255}.${index & 255}.0/24 n${index}`, line: index + 1 });
    }
    const rules = builder.finish();
    const started = process.hrtime.bigint();
    for (let index = 0; index < 10_000; index++) rules.find('1.134.159.7');
    expect(rules.find('1.134.159.7')).toEqual({ value: 'n99999', line: 100_000 });
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(500);
  });
});

describe('rules in the name', () => {
  test('are read as lines', async () => {
    expect(await value(tables.open('pcre:{ {/^(a)$/ $1 b, c}, { !/a/ no } }'), 'a')).toBe('a b, c');
    expect(await value(tables.open('regexp:{{if /a{2}/},{/./ two},{endif}}'), 'aa')).toBe('two');
    expect(await tables.open('cidr:{{10.0.0.0/8 x}}').lookup('10.1.1.1')).toMatchObject({
      source: 'cidr:{{10.0.0.0/8 x}} rule 1',
    });
    expect(await value(tables.open('cidr:{}'), '10.1.1.1')).toBeUndefined();
  });
  test.each([
    ['pcre:{/a/ b}', "no '{' at start of text"],
    ['pcre:{{/a/ b}', "missing '}'"],
    ['cidr:{{10.0.0.0/8 a}} x', "syntax error after '}'"],
  ])('%s is refused', (name, message) => expect(() => tables.open(name)).toThrow(message));
});

test('pattern tables are asked with full keys only', () => {
  for (const name of ['pcre:{}', 'regexp:{}', 'cidr:{}']) expect(tables.open(name).kind).toBe('pattern');
});

test('a change is followed, written in place or renamed over, under a new revision', async () => {
  const path = file('/a/ 1\n');
  const table = watching.open(`pcre:${path}`);
  expect(await value(table, 'a')).toBe('1');
  const before = watching.revision();
  writeFileSync(path, '/a/ 2\n');
  await vi.waitFor(async () => expect(await value(table, 'a')).toBe('2'), { timeout: 8000, interval: 20 });
  expect(watching.revision()).not.toBe(before);
  renameSync(file('/a/ 3\n'), path);
  await vi.waitFor(async () => expect(await value(table, 'a')).toBe('3'), { timeout: 8000, interval: 20 });
});
