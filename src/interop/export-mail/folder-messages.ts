// The messages of a folder in the order of their uids, read a page at a time while the server goes on writing, and their
// flags by name.

import type { FolderRow, MessageRow } from '../../mailstore/types.ts';
import { systemFlags } from '../../mailstore/types.ts';
import type { ExportStore } from './types.ts';

const pageRows = 500;

export async function* folderMessages(store: ExportStore, folder: FolderRow): AsyncIterable<readonly MessageRow[]> {
  for (let after = 0; ; ) {
    const page = store.messages(folder.id, after, pageRows);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.uid;
  }
}

export interface NamedFlags {
  readonly system: readonly string[];
  /** Numbers in the folder's list. */
  readonly keywords: readonly number[];
}

export function namedFlags(bits: number, keywordCount: number): NamedFlags {
  const has = (bit: number): boolean => Math.floor(bits / 2 ** bit) % 2 === 1;
  return {
    system: systemFlags.filter((_, index) => has(index)),
    keywords: Array.from({ length: keywordCount }, (_, index) => index).filter((index) =>
      has(systemFlags.length + index),
    ),
  };
}
