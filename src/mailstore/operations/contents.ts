// Content rows: made by accept and append, shared by COPY and by the copies of one message, gone with their
// last reference. The file of a removed content is noted in `file_removal` in the same transaction and
// unlinked after it, so that a crash leaves at most a file too many, never a row without its file.

import type { Group } from './group.ts';
import type { PackedContent } from './types.ts';

/** Inserts a content row with `refs` references; a prefix makes it one mailbox's copy. */
export function insertContent(group: Group, content: PackedContent, prefix: Uint8Array | null, refs: number): number {
  const size = content.size + (prefix?.length ?? 0);
  const data = content.kind === 'inline' ? group.slice(content.data) : null;
  const place = content.kind === 'file' ? content.place : null;
  const result = group
    .sql('INSERT INTO content (size, refs, sha256, base, place, prefix, data) VALUES (?, ?, ?, NULL, ?, ?, ?)')
    .run(size, refs, group.slice(content.sha256), place, prefix, data);
  return Number(result.lastInsertRowid);
}

/** A copy with trace headers of its own that shares the body of `base`. */
export function insertDependent(group: Group, base: number, baseSize: number, prefix: Uint8Array): number {
  const result = group
    .sql('INSERT INTO content (size, refs, sha256, base, place, prefix, data) VALUES (?, 1, NULL, ?, NULL, ?, NULL)')
    .run(baseSize + prefix.length, base, prefix);
  return Number(result.lastInsertRowid);
}

export function addReferences(group: Group, content: number, count: number): void {
  group.sql('UPDATE content SET refs = refs + ? WHERE id = ?').run(count, content);
}

/** Drops one reference; with the last one the row, its head and (after the commit) its file go. */
export function releaseContent(group: Group, content: number): void {
  const row = group.sql('SELECT refs, base, place FROM content WHERE id = ?').get(content) as
    | { refs: number; base: number | null; place: string | null }
    | undefined;
  if (!row) return;
  if (row.refs > 1) {
    group.sql('UPDATE content SET refs = refs - 1 WHERE id = ?').run(content);
    return;
  }
  group.sql('DELETE FROM content WHERE id = ?').run(content);
  group.sql('DELETE FROM head WHERE content = ?').run(content);
  if (row.place !== null) {
    group.sql('INSERT OR IGNORE INTO file_removal (place) VALUES (?)').run(row.place);
    group.removedFiles.push(row.place);
  }
  if (row.base !== null) releaseContent(group, row.base);
}
