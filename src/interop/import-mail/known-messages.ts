// What the store remembers of messages that have been imported, read beside the process that writes it.

import type { ImportedRow } from '../../mailstore/import-types.ts';
import type { ContentReader, FolderRow, MessageRow } from '../../mailstore/types.ts';
import type { SourceMessage } from './types.ts';

export interface ImportReader {
  imported(folder: number, key: string): ImportedRow | undefined;
  folder(id: number): FolderRow | undefined;
  message(folder: number, uid: number): MessageRow | undefined;
  openContent(content: number): ContentReader;
}

export function findRow(reader: ImportReader, folder: number, message: SourceMessage): ImportedRow | undefined {
  for (const key of message.keys) {
    const row = reader.imported(folder, key);
    if (row !== undefined) return row;
  }
  return undefined;
}

export function isSameFlags(first: readonly string[], second: readonly string[]): boolean {
  return plain(first) === plain(second);
}

function plain(flags: readonly string[]): string {
  return flags
    .map((flag) => flag.toLowerCase())
    .toSorted()
    .join(' ');
}
