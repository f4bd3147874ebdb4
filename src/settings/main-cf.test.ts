// The syntax of main.cf, and that no input breaks or slows down the readers.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExpansionError, expand, referencedNames } from './expand.ts';
import { parseMainCf } from './main-cf.ts';
import { parseMasterCf } from './master-cf.ts';
import { Settings } from './settings.ts';
import { SettingsError } from './settings-error.ts';
import { splitList } from '../lib/split-list.ts';
import { parseTime } from './values.ts';

const values = (text: string): Record<string, string> =>
  Object.fromEntries([...parseMainCf(text).definitions.values()].map(({ name, value }) => [name, value]));

const findings = (text: string): string[] =>
  parseMainCf(text).findings.map(({ severity, line, text: what }) => `${severity} ${line} ${what}`);

test('comments and blank lines may stand between a line and its continuation', () => {
  const text = '# head\n\na = 1,\n# inside\n\n  2\n\t# more\n \t3\nb = x # not a comment\n  #c\n';
  expect(values(text)).toEqual({ a: '1,  2 \t3', b: 'x # not a comment' });
  expect(parseMainCf(text).definitions.get('a')?.line).toBe(3);
});

test('line ends of either kind, and none at the end', () => {
  expect(values('a = 1\r\nb = 2\r\n\r\n   3\r\nc=4')).toEqual({ a: '1', b: '2   3', c: '4' });
});

test('a NUL byte ends its line', () => {
  expect(values('a = 1\0 2\nb = 3')).toEqual({ a: '1', b: '3' });
});

test('the last definition wins, and both lines are told', () => {
  expect(values('a = 1\nb = 2\na = 3')).toEqual({ a: '3', b: '2' });
  expect(findings('a = 1\nb = 2\na = 3')).toEqual(['warning 3 overriding earlier entry of line 1: a=1']);
});

test("lines that are none are found, in Postfix's words", () => {
  expect(findings(' a = 1\nb = 2')).toEqual(['error 1 logical line must not start with whitespace: " a = 1"']);
  expect(findings('word\n= x\na b = c\nfine = 1')).toEqual([
    'error 1 missing \'=\' after attribute name: "word"',
    'error 2 missing attribute name: "= x"',
    'error 3 missing \'=\' after attribute name: "a b = c"',
  ]);
});

test.each([
  ['1', 's', 1],
  ['1', 'd', 86_400],
  ['90m', 'd', 5_400],
  ['2w', 's', 1_209_600],
  ['1.5h', 's', undefined],
  ['', 's', undefined],
  ['1H', 's', undefined],
] as const)('the time %s in %s', (text, unit, seconds) => {
  expect(parseTime(text, unit)).toBe(seconds);
});

test('lists split at commas and blanks, outside braces', () => {
  expect(splitList(' a,b  c,,\t{ d, e } inline:{k=v, {x = y}} ')).toEqual([
    'a',
    'b',
    'c',
    '{ d, e }',
    'inline:{k=v, {x = y}}',
  ]);
});

test('referenced names include those of conditions and branches', () => {
  expect([...referencedNames('$a ${b?{$c}:{$(d)}} $$e ${{$f} == {x} ? {$g}}')]).toEqual(['a', 'b', 'c', 'd', 'f', 'g']);
});

/** Pieces that the grammar knows, so that random text goes deep. */
const piece = fc.oneof(
  fc.constantFrom('a', 'b = ', '\n', '\n ', '#', '$', '${', '{', '}', '(', ')', '$(', '?', ':', '==', '<level', ' '),
  fc.constantFrom('$a', '${a?', '-o', ' inet n - n - - smtpd', ',', '=', '\r\n', '\0', '3.6', '$$'),
  fc.string({ maxLength: 4 }),
);

test('no input makes a reader throw anything but SettingsError', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
      (text) => {
        parseMasterCf(text);
        const settings = Settings.fromDefinitions(parseMainCf(`${text}\nmyorigin = ${text}`).definitions.values());
        for (const name of settings.names()) {
          try {
            settings.check(name);
          } catch (error) {
            if (!(error instanceof SettingsError)) throw error;
          }
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

test('any bytes can be read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = Buffer.from(bytes).toString('latin1');
      parseMainCf(text);
      parseMasterCf(text);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  '$',
  '${',
  '{',
  '${a?',
  '${{',
  '$(',
  ' ',
  '\n ',
  '#',
  'a=\n',
  '${a}',
  '$(  ',
  '${a?{',
  '{a} == ',
  '-o ',
  '\t',
])('a hundred thousand bytes of %j are read in linear time', (unit) => {
  const text = unit.repeat(100_000 / unit.length);
  const start = performance.now();
  parseMainCf(`a = ${text}`);
  parseMainCf(text);
  parseMasterCf(`x inet n - n - - smtpd ${text}`);
  splitList(text);
  referencedNames(text);
  for (const whole of [text, `\${a?{${text}}}`]) {
    try {
      expand(whole, () => '');
    } catch (error) {
      expect(error).toBeInstanceOf(ExpansionError);
    }
  }
  // A quadratic step would take minutes.
  expect(performance.now() - start).toBeLessThan(5_000);
});

test('a value that doubles with each reference is stopped', () => {
  const definitions = Array.from({ length: 40 }, (_, at) => `a${at} = $a${at + 1}$a${at + 1}`).join('\n');
  const settings = Settings.fromDefinitions(parseMainCf(`${definitions}\na40 = xxxxxxxxxx`).definitions.values());
  expect(() => settings.expanded('a0')).toThrow(SettingsError);
});
