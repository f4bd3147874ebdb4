// Writes a pattern's tree in RE2's syntax, for matching in time that is linear in the key. Not everything can be
// said so: look-around, back references and atomic groups cannot.

import type { ByteSet, Place, Tree } from './syntax-tree.ts';

/** RE2 counts no further, and the product of nested counts makes the program that large. */
const maxCount = 1000;
const maxProgram = 20_000;

const places: Readonly<Partial<Record<Place, string>>> = {
  start: '\\A',
  end: '\\z',
  'line-start': '(?m:^)',
  // Right for keys that do not end in a line end; portable.ts sees to the others.
  'end-or-last-newline': '\\z',
  'line-start-unless-last': '(?m:^)',
  'line-end': '(?m:$)',
  'word-boundary': '\\b',
  'no-word-boundary': '\\B',
};

/** Undefined where RE2 cannot say it. */
export function writeRe2(tree: Tree): string | undefined {
  if (size(tree) > maxProgram) return undefined;
  return write(tree);
}

function write(tree: Tree): string | undefined {
  switch (tree.kind) {
    case 'byte':
      return writeSet(tree.set);
    case 'place':
      return places[tree.place];
    case 'sequence':
      return join(tree.parts, '');
    case 'choice': {
      const branches = join(tree.branches, '|');
      return branches === undefined ? undefined : `(?:${branches})`;
    }
    case 'group': {
      const part = write(tree.part);
      return part === undefined ? undefined : `(${part})`;
    }
    case 'repeat':
      return writeRepeat(tree);
    case 'atomic':
    case 'look':
    case 'backreference':
      return undefined;
  }
}

function join(trees: readonly Tree[], between: string): string | undefined {
  const texts: string[] = [];
  for (const tree of trees) {
    const text = write(tree);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts.join(between);
}

function writeRepeat({ part, min, max, isLazy }: Extract<Tree, { kind: 'repeat' }>): string | undefined {
  const text = write(part);
  if (text === undefined || min > maxCount || (max !== Infinity && max > maxCount)) return undefined;
  const count = max === Infinity ? `{${min},}` : `{${min},${max}}`;
  return `(?:${text})${count}${isLazy ? '?' : ''}`;
}

function writeSet(set: ByteSet): string {
  const ranges: string[] = [];
  for (let byte = 0; byte < 256; byte++) {
    if (set[byte] === 0) continue;
    let last = byte;
    while (last < 255 && set[last + 1] === 1) last++;
    ranges.push(last === byte ? hex(byte) : `${hex(byte)}-${hex(last)}`);
    byte = last;
  }
  // A class that holds nothing: no byte is outside of all.
  if (ranges.length === 0) return '[^\\x{00}-\\x{10FFFF}]';
  return `[${ranges.join('')}]`;
}

function hex(byte: number): string {
  return `\\x{${byte.toString(16)}}`;
}

/** How large a program becomes in which counted repeats are written out. */
function size(tree: Tree): number {
  switch (tree.kind) {
    case 'sequence':
      return tree.parts.reduce((sum, part) => sum + size(part), 1);
    case 'choice':
      return tree.branches.reduce((sum, branch) => sum + size(branch), 1);
    case 'repeat':
      return size(tree.part) * Math.max(1, tree.max === Infinity ? tree.min + 1 : tree.max);
    case 'group':
    case 'atomic':
    case 'look':
      return size(tree.part);
    case 'byte':
    case 'place':
    case 'backreference':
      return 1;
  }
}
