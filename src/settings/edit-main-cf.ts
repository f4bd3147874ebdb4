// Changes parameters in the text of main.cf as `postconf -e` does: the first definition of a name is replaced where
// it stands and further ones are removed; new names go to the end; comments, order and all other lines stay.

import { rename, rm, writeFile, readFile, stat } from 'node:fs/promises';
import { isCommentOrBlank, readLogicalLines } from './logical-lines.ts';
import { splitNameValue } from './main-cf.ts';

/** Pure: the new text. A value must be one line. */
export function editMainCf(text: string, changes: ReadonlyMap<string, string>): string {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const first = new Map<string, number>();
  const found: { name: string; from: number; to: number }[] = [];
  for (const { text: content, line, lastLine } of readLogicalLines(text)) {
    const split = splitNameValue(content);
    if (typeof split === 'string' || !changes.has(split.name) || /^[ \t\r\f\v]/.test(content)) continue;
    found.push({ name: split.name, from: line - 1, to: lastLine - 1 });
    if (!first.has(split.name)) first.set(split.name, line - 1);
  }
  const removed = new Set<number>();
  for (const { name, from, to } of found) {
    for (let at = from; at <= to; at++) {
      // A comment between a line and its continuation is kept.
      if (!isCommentOrBlank(lines[at] ?? '')) removed.add(at);
    }
    if (first.get(name) === from) {
      removed.delete(from);
      lines[from] = assignment(name, changes.get(name) ?? '');
    }
  }
  const kept = lines.filter((_, at) => !removed.has(at));
  for (const [name, value] of changes) if (!first.has(name)) kept.push(assignment(name, value));
  return kept.length === 0 ? '' : `${kept.join('\n')}\n`;
}

function assignment(name: string, value: string): string {
  return value === '' ? `${name} =` : `${name} = ${value}`;
}

/** Atomic: a reader sees the old file or the new one. Keeps the file's mode. */
export async function editMainCfFile(file: string, changes: ReadonlyMap<string, string>): Promise<void> {
  const text = await readFile(file, 'latin1');
  const { mode } = await stat(file);
  const encoded = new Map([...changes].map(([name, value]) => [name, Buffer.from(value, 'utf8').toString('latin1')]));
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, Buffer.from(editMainCf(text, encoded), 'latin1'), {
      flag: 'wx',
      mode: mode & 0o777,
      flush: true,
    });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
