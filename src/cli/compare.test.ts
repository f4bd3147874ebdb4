// posthaste compare as an administrator types it: tables, folders, exit statuses.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Command } from 'commander';
import { afterAll, expect, test } from 'vitest';
import { register } from './compare.ts';
import type { CommandContext } from './context.ts';

const folder = mkdtempSync(join(tmpdir(), 'compare-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function run(...args: string[]): Promise<{ lines: string[]; failure: unknown }> {
  const lines: string[] = [];
  const print = (line: string): number => lines.push(stripVTControlCharacters(line));
  const context: CommandContext = { configDirectory: folder, json: args.includes('--json'), print, warn: print };
  const program = new Command().exitOverride();
  register(program, context);
  try {
    await program.parseAsync(['compare', ...args.filter((one) => one !== '--json')], { from: 'user' });
    return { lines, failure: undefined };
  } catch (failure) {
    return { lines, failure };
  }
}

test('equal tables: how much was asked', async () => {
  const a = file('a', 'info@d.test joe@d.test\n@d.test all@d.test\n');
  const { lines, failure } = await run(`hash:${a}`, `texthash:${a}`);
  expect(failure).toBeUndefined();
  expect(lines).toEqual([expect.stringMatching(/^equal, \d\d probes, 2 keys$/)]);
});

test('different tables: the smallest case, derived on both sides', async () => {
  const a = file('b', 'info@d.test joe@d.test\n@d.test all@d.test\n');
  const b = file('c', '@d.test all@d.test\n');
  const { lines, failure } = await run(`hash:${a}`, `inline:{x=y}, hash:${b}`);
  expect(failure).toMatchObject({ name: 'CommandError', exitCode: 1 });
  expect(lines.slice(0, 4)).toEqual([
    'different: "x"',
    `  A  hash:${a}  x → not found`,
    `  B  inline:{x=y}  x → "y"`,
    expect.stringContaining('"info@d.test"'),
  ]);
});

test('a table that cannot be asked: try again', async () => {
  const { failure } = await run('fail:x', 'inline:{a=b}');
  expect(failure).toMatchObject({ name: 'TemporaryError' });
});

test('a side is missing, or of another kind: usage', async () => {
  expect((await run('inline:{a=b}')).failure).toMatchObject({ exitCode: 2 });
  expect((await run(configuration('usage', ''), 'inline:{a=b}')).failure).toMatchObject({ exitCode: 2 });
});

function configuration(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  const common =
    'compatibility_level = 3.6\nmyhostname = mx.d.test\nmydestination = localhost\nlocal_recipient_maps =\n';
  writeFileSync(join(path, 'main.cf'), `${common}recipient_delimiter = +\n${text}`);
  writeFileSync(join(path, 'master.cf'), 'smtp inet n - n - - smtpd\nvirtual unix - n n - - virtual\n');
  return path;
}

test('folders: every address that either knows', async () => {
  const mailboxes = 'virtual_mailbox_domains = d.test\nvirtual_mailbox_maps = hash:';
  const boxes = file('boxes', 'joe@d.test joe/\nann@d.test ann/\n');
  const fewer = file('fewer', 'joe@d.test joe/\n');
  const one = configuration('one', `${mailboxes}${boxes}\n`);
  const same = configuration(
    'same',
    `virtual_mailbox_domains = inline:{d.test=x}\nvirtual_mailbox_maps = texthash:${boxes}\n`,
  );
  const other = configuration('other', `${mailboxes}${fewer}\n`);
  expect((await run(one, same)).lines[0]).toMatch(/^equal, \d+ probes, \d+ keys$/);
  const { lines, failure } = await run(one, other);
  expect(failure).toMatchObject({ exitCode: 1 });
  expect(lines[0]).toBe('different: ANN@D.TEST');
  expect(lines.join('\n')).toMatch(/A {2}.*250 2\.1\.5 Ok.*B {2}.*550 5\.1\.1/s);
});
