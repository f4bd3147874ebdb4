// Changing main.cf keeps everything that was not asked to change.

import { readFile, stat, chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { realPostconf, runRealPostconf, withConfiguration } from '../../test/harness/real-postconf.ts';
import { editMainCf, editMainCfFile } from './edit-main-cf.ts';

const before = '# head\nrelayhost = a,\n# kept\n  b\n\nmyorigin = x\nrelayhost = c\n  d\n# tail\n';

test('the first definition is replaced, further ones go, all else stays', () => {
  const changes = new Map([
    ['relayhost', '[new]'],
    ['mydomain', 'example.com'],
    ['always_bcc', ''],
  ]);
  expect(editMainCf(before, changes)).toBe(
    '# head\nrelayhost = [new]\n# kept\n\nmyorigin = x\n# tail\nmydomain = example.com\nalways_bcc =\n',
  );
});

test('an empty file, and one without a last line end', () => {
  expect(editMainCf('', new Map([['a', 'b']]))).toBe('a = b\n');
  expect(editMainCf('x = 1', new Map([['a', 'b']]))).toBe('x = 1\na = b\n');
});

test('the file keeps its mode and its other bytes, and nothing is left beside it', async () => {
  const odd = Buffer.from('# caf\xe9\nmyorigin = x\n', 'latin1').toString('latin1');
  await withConfiguration({}, async (directory) => {
    const file = join(directory, 'main.cf');
    await editMainCfFile(file, new Map([['mail_name', 'käse']]));
    await chmod(file, 0o640);
    await editMainCfFile(file, new Map([['myorigin', 'y']]));
    expect(await readFile(file, 'utf8')).toBe('mail_name = käse\nmyorigin = y\n');
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect((await readdir(directory)).sort()).toEqual(['main.cf', 'master.cf']);
  });
  expect(editMainCf(odd, new Map([['myorigin', 'z']]))).toContain('# caf\xe9\n');
});

describe.skipIf(realPostconf === undefined)('beside postconf -e (package postfix)', () => {
  test('what Postfix then reads is the same', async () => {
    await withConfiguration({ 'main.cf': before }, async (directory) => {
      await editMainCfFile(
        join(directory, 'main.cf'),
        new Map([
          ['relayhost', 'q r'],
          ['mydomain', 'z'],
        ]),
      );
      const ours = runRealPostconf(directory, ['-n']);
      expect(ours.stderr).toBe('');
      await withConfiguration({ 'main.cf': before }, (other) => {
        runRealPostconf(other, ['-e', 'relayhost=q r', 'mydomain=z']);
        const real = runRealPostconf(other, ['-n']).stdout;
        expect(ours.stdout.replace(directory, '')).toBe(real.replace(other, ''));
      });
    });
  });
});
