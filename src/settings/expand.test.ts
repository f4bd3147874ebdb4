// Each form of `$name`, and beside it what the real Postfix makes of the same text.

import { describe, expect, test } from 'vitest';
import { realPostconf, startRealPostconf, withConfiguration } from '../../test/harness/real-postconf.ts';
import { expand } from './expand.ts';

const names: Readonly<Record<string, string>> = {
  one: '1',
  empty: '',
  indirect: '$empty',
  twice: '$one$one',
  big: '10',
};

/** Undefined: refused. */
const cases: readonly (readonly [string, string | undefined])[] = [
  ['$one ${one} $(one) $twice', '1 1 1 11'],
  ['$one.x $oneself[$undefined]', '1.x []'],
  ['$$one $$$one', '$one $1'],
  ['${one?yes}${one:no}', 'yes'],
  ['${empty?yes}${empty:no}', 'no'],
  ['${undefined?yes}${undefined:no}', 'no'],
  ['${indirect?yes}${indirect:no}', 'yes'],
  ['[${one? b }|${one?{ b }}]', '[ b | b ]'],
  ['${one?{a}:{b}} ${empty?{a}:{b}} ${empty ? {a} : {b} } ${empty?{a}:b}', 'a b b b'],
  ['${one?b:c} ${one?{b:c} : d}', 'b:c b:c'],
  ['${ one }', '1'],
  ['${one?{${empty?{x}:{$big}}}}', '10'],
  ['${{a} == {a}}|${{a} == {b}}|${{a} != {b} ? {y} : {n}}', 'true||y'],
  ['${{$big} > {9} ? {y} : {n}} ${{$big} > {9x} ? {y} : {n}} ${{010} == {10} ? {y} : {n}}', 'y n y'],
  ['${{a} < {b}?y} ${{a} <= {a}?y} ${{b} >= {c} : {n}}', 'y y n'],
  ['${{3.10} >level {3.9} ? {y} : {n}} ${{3} ==level {3.0.0}?y} ${{3.6} <level {3.6}:n}', 'y y n'],
  ['${{} == {} ? {$one}}', '1'],
  ['${one', undefined],
  ['${one-x}', undefined],
  ['a $ b', undefined],
  ['${}', undefined],
  ['$-', undefined],
  ['${one ? {b} x}', undefined],
  ['${one : {b} : {c}}', undefined],
  ['${{a} = {b}}', undefined],
  ['${{a} == b}', undefined],
  ['${{a}?{b}}', undefined],
  ['${{3.x} >level {3}}', undefined],
  ['${{1.2.3.4} >level {1}}', undefined],
];

test.each(cases)('%s is %s', (text, result) => {
  const run = (): string => expand(text, (name) => names[name]);
  if (result === undefined) expect(run).toThrow(expect.objectContaining({ name: 'ExpansionError' }) as Error);
  else expect(run()).toBe(result);
});

// Skipped where Postfix (scripts/install-test-servers) is not there to compare with; CI installs it and counts a skip as a failure.
describe.skipIf(realPostconf === undefined)('beside postconf -x (package postfix)', () => {
  const definitions = Object.entries(names).map(([name, value]) => `${name} = ${value}\n`);

  test('what Postfix expands', async () => {
    const good = cases.filter(([, result]) => result !== undefined);
    const main = good.map(([text], at) => `case_${at} = ${text}\n`).join('');
    const used = `relayhost = ${good.map((_, at) => `$case_${at}`).join(' ')}\n`;
    const { stdout } = await withConfiguration({ 'main.cf': `${definitions.join('')}${main}${used}` }, (directory) =>
      startRealPostconf(directory, ['-nx']),
    );
    const real = new Map(
      stdout.split('\n').map((line) => [line.split(' ')[0], line.slice(line.indexOf('=') + 1).trim()]),
    );
    for (const [at, [text, result]] of good.entries()) {
      expect(real.get(`case_${at}`), text).toBe(result?.replaceAll(/\s+/g, ' ').trim());
    }
  });

  test('what Postfix refuses', async () => {
    const bad = cases.filter(([, result]) => result === undefined);
    await Promise.all(
      bad.map(async ([text]) => {
        const files = { 'main.cf': `${definitions.join('')}relayhost = ${text}\n` };
        const { stderr } = await withConfiguration(files, (directory) =>
          startRealPostconf(directory, ['-xh', 'relayhost']),
        );
        expect(stderr, text).toMatch(/fatal: macro processing error/);
      }),
    );
  });
});
