// Changes parameters in the text of main.cf as `postconf -e`, `-X` and `-#` do (postconf(1)): every definition of a name
// is replaced, removed or made a comment where it stands; new names go to the end; comments, order and all other lines
// stay.

import { readFile } from 'node:fs/promises';
import { isCommentOrBlank } from '../lib/logical-lines.ts';
import { replaceTextFile } from './replace-text-file.ts';

/** set: `name = value`; comment: `#` before each line; remove: the lines go. */
export type MainCfEdit =
  | { readonly kind: 'set'; readonly values: ReadonlyMap<string, string> }
  | { readonly kind: 'comment' | 'remove'; readonly names: ReadonlySet<string> };

export interface EditedMainCf {
  readonly text: string;
  /** Names that were found more than once. */
  readonly repeated: readonly string[];
}

/** Pure. A value must be one line. */
export function editMainCf(text: string, edit: MainCfEdit): EditedMainCf {
  const names: { has(name: string): boolean } = edit.kind === 'set' ? edit.values : edit.names;
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const found = new Map<string, number>();
  const result: string[] = [];
  // Whether the logical line that continues is one to be changed.
  let isChosen = false;
  for (const line of lines) {
    if (isCommentOrBlank(line)) {
      result.push(line);
      continue;
    }
    const isContinuation = /^[ \t\r\f\v]/.test(line);
    if (!isContinuation) {
      const name = /^[^ \t\r\f\v=]*/.exec(line)?.[0] ?? '';
      isChosen = names.has(name);
      if (isChosen) found.set(name, (found.get(name) ?? 0) + 1);
      if (isChosen && edit.kind === 'set') result.push(`${name} = ${edit.values.get(name) ?? ''}`);
    }
    if (!isChosen) result.push(line);
    else if (edit.kind === 'comment') result.push(`#${line}`);
  }
  if (edit.kind === 'set') {
    for (const [name, value] of edit.values) if (!found.has(name)) result.push(`${name} = ${value}`);
  }
  return {
    text: result.length === 0 ? '' : `${result.join('\n')}\n`,
    repeated: [...found].filter(([, count]) => count > 1).map(([name]) => name),
  };
}

/** Atomic: a reader sees the old file or the new one. Keeps the file's mode and owner. */
export async function editMainCfFile(file: string, edit: MainCfEdit): Promise<EditedMainCf> {
  // As Latin-1 no byte of other lines changes.
  const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
  const encoded: MainCfEdit =
    edit.kind === 'set'
      ? { kind: 'set', values: new Map([...edit.values].map(([name, value]) => [name, latin1(value)])) }
      : edit;
  const edited = editMainCf(await readFile(file, 'latin1'), encoded);
  await replaceTextFile(file, edited.text);
  return edited;
}
