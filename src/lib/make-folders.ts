// A folder with those above it that are missing. Node's own `recursive` never returns below /proc, or in a folder that has
// been removed: there a folder cannot be made for ENOENT though the one above it is there, and it tries that one again.

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The first that was made; undefined where it is there already. Throws as mkdir(2) fails. */
export function makeFolders(folder: string, mode: number): string | undefined {
  const above = dirname(folder);
  try {
    return makeOne(folder, mode);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!isMissing || above === folder || statSync(above, { throwIfNoEntry: false }) !== undefined) throw error;
  }
  const first = makeFolders(above, mode);
  const made = makeOne(folder, mode);
  return first ?? made;
}

function makeOne(folder: string, mode: number): string | undefined {
  try {
    mkdirSync(folder, mode);
    return folder;
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    if (isThere && statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return undefined;
    throw error;
  }
}
