// dovecot.conf with its !include files, as nested settings: enough to find the databases of its users. Nothing is expanded
// but `$name`, which is left as it stands.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ImportError } from './import-source.ts';

export interface DovecotBlock {
  /** As `passdb`, `namespace`. */
  readonly name: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly blocks: readonly DovecotBlock[];
}

interface OpenBlock {
  readonly name: string;
  readonly settings: Map<string, string>;
  readonly blocks: OpenBlock[];
}

// A file that includes itself ends here.
const maxDepth = 20;

export function readDovecotConfiguration(file: string): DovecotBlock {
  const root: OpenBlock = { name: '', settings: new Map(), blocks: [] };
  readInto([root], file, 0);
  return root;
}

/** `stack` is open while the file is read: an included file may stand within a block. */
function readInto(stack: OpenBlock[], file: string, depth: number): void {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ImportError(`${file} cannot be read: ${(error as Error).message}`);
  }
  for (const line of logicalLines(text)) {
    const include = /^!include(_try)?\s+(.+)$/.exec(line);
    if (include !== null) {
      const pattern = resolve(dirname(file), include[2] ?? '');
      const files = existsSync(pattern) ? [pattern] : globSync(pattern).toSorted();
      if (depth < maxDepth) for (const one of files) readInto(stack, one, depth + 1);
      continue;
    }
    readLine(stack, line);
  }
}

function readLine(stack: OpenBlock[], line: string): void {
  const block = stack.at(-1) as OpenBlock;
  const opening = /^([\w/-]+)(?:\s+([^={]*?))?\s*\{\s*(.*)$/.exec(line);
  if (line.startsWith('}')) {
    if (stack.length > 1) stack.pop();
  } else if (opening !== null && !/^\s*[\w/]+\s*=/.test(line)) {
    const inner: OpenBlock = { name: opening[1] ?? '', settings: new Map(), blocks: [] };
    if (opening[2]) inner.settings.set('', opening[2]);
    block.blocks.push(inner);
    const rest = (opening[3] ?? '').trim();
    if (rest === '}') return;
    stack.push(inner);
    if (rest !== '') readLine(stack, rest);
  } else {
    const [, name = '', value = ''] = /^([^=\s]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name !== '') block.settings.set(name, unquoted(value));
  }
}

/** Without comments, blank lines, and the line ends that a backslash takes away. */
function logicalLines(text: string): string[] {
  return text
    .replace(/\\\r?\n[ \t]*/g, ' ')
    .split('\n')
    .map((line) => line.replace(/^\s*#.*$|\s#.*$/, '').trim())
    .filter((line) => line !== '');
}

function unquoted(value: string): string {
  return /^(["'])(.*)\1$/.exec(value.trim())?.[2] ?? value.trim();
}
