// The index of a text table: the same rows whether a file is read whole or in the pieces of the worker, long rows and
// lines, and a table that is read again while its rows are being listed.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadText } from './load-text.ts';
import { TextIndex } from './text-index.ts';
import { indexText } from './text-indexer.ts';

const folder = mkdtempSync(join(tmpdir(), 'text-index-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Rows of every kind, more than two of the worker's pieces of 1 MiB; continuations and comments cross their edges. */
function nastyText(): string {
  const lines: string[] = [];
  for (let index = 0; index < 30_000; index++) {
    lines.push(`User${index}@Example.test  target${index}@elsewhere.test,`);
    if (index % 3 === 0) lines.push(`   other${index}@elsewhere.test  `);
    if (index % 7 === 0) lines.push('# a comment', '', '  # an indented one', `\tlast${index}`);
    if (index % 101 === 0)
      lines.push(`"quoted ${index}"@example.test x`, `Ünï${index}@example.test y`, 'no-value', '"open x');
  }
  lines.push(
    `list ${'member@elsewhere.test, '.repeat(100_000)}end`,
    `${'k'.repeat(70_000)} long key`,
    'the last has no newline',
  );
  return lines.join('\n');
}

test('a large file in pieces gives what it gives whole', async () => {
  const path = join(folder, 'nasty');
  const text = nastyText();
  writeFileSync(path, text);
  const whole = indexText(Buffer.from(text), true);
  const pieces = await loadText(path, true);
  const rowsOf = (data: typeof whole): unknown[] => [...new TextIndex(data).entries()];
  expect(pieces.rows).toBe(whole.rows);
  expect(pieces.problems).toEqual(whole.problems);
  expect(rowsOf(pieces)).toEqual(rowsOf(whole));
  const index = new TextIndex(pieces);
  expect(index.value(index.find('user0@example.test'))).toBe(
    'target0@elsewhere.test,   other0@elsewhere.test  \tlast0',
  );
  expect(index.value(index.find('list'))).toHaveLength(2_300_003);
  expect(index.value(index.find('k'.repeat(70_000)))).toBe('long key');
  expect(index.value(index.find('ünï101@example.test'))).toBe('y');
  expect(index.value(index.find('the'))).toBe('last has no newline');
});

test.each([0, 1, 253, 254, 255, 256, 65_535, 65_536])('keys and values of %i characters and one', (length) => {
  const text = `k${'x'.repeat(length)} v${'y'.repeat(length)}\nother z\n`;
  const index = new TextIndex(indexText(Buffer.from(text), false));
  expect(index.value(index.find(`k${'x'.repeat(length)}`))).toBe(`v${'y'.repeat(length)}`);
  expect(index.value(index.find('other'))).toBe('z');
  expect(index.find(`k${'x'.repeat(length + 1)}`)).toBe(-1);
});

test('rows that are being listed outlive their table', () => {
  const index = new TextIndex(indexText(Buffer.from('a 1\nb 2\n'), false));
  const rows = index.entries();
  expect(rows.next().value).toMatchObject({ key: 'a' });
  index.release();
  expect(rows.next().value).toMatchObject({ key: 'b', value: '2', line: 2 });
});
