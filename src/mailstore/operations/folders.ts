// Folders of a mailbox: create, delete, rename, subscribe. A deleted folder keeps its row under a negative
// mailbox number until `purge` has removed its messages in slices: deleting 100,000 messages at once would
// keep every delivery waiting.

import { type QuotaUsage, StoreRefusedError } from '../types.ts';
import { releaseContent } from './contents.ts';
import { type FolderColumns, type FolderState, type Group, toFolderRow } from './group.ts';
import type { WriteResults } from './types.ts';

/** Where a folder stands that is being imported and that nobody sees yet: no mailbox of the directory has such a number. */
export function stagedMailbox(mailbox: number): number {
  return mailbox + 2 ** 40;
}

const standardFolders: readonly [name: string, specialUse: string | null][] = [
  ['INBOX', null],
  ['Sent', '\\Sent'],
  ['Drafts', '\\Drafts'],
  ['Trash', '\\Trash'],
  ['Junk', '\\Junk'],
  ['Archive', '\\Archive'],
];

/** Made once: a user who deletes Archive does not get it back at the next login. */
export function ensureMailbox(group: Group, mailbox: number): undefined {
  const key = `mailbox ${mailbox}`;
  if (group.sql('SELECT 1 FROM meta WHERE key = ?').get(key)) return;
  for (const [name, specialUse] of standardFolders) {
    // An imported folder may serve for it, under another name.
    if (specialUse !== null && hasSpecialUse(group, mailbox, specialUse)) continue;
    if (!group.folderByName(mailbox, name)) group.createFolder(mailbox, name, specialUse, true);
    subscribe(group, mailbox, name, true);
  }
  group.sql('INSERT INTO meta (key, value) VALUES (?, 1)').run(key);
}

function hasSpecialUse(group: Group, mailbox: number, use: string): boolean {
  return group.sql('SELECT 1 FROM folder WHERE mailbox = ? AND special_use = ?').get(mailbox, use) !== undefined;
}

/** The names above `name`, which exist from then on. */
export function makeParents(group: Group, mailbox: number, name: string): void {
  const parts = name.split('/');
  for (let depth = 1; depth < parts.length; depth++) {
    const parent = parts.slice(0, depth).join('/');
    if (!group.folderByName(mailbox, parent)) group.createFolder(mailbox, parent, null, false);
  }
}

export function createFolder(
  group: Group,
  mailbox: number,
  name: string,
  specialUse: string | undefined,
): WriteResults['create-folder'] {
  const existing = group.folderByName(mailbox, name);
  if (existing?.columns.selectable === 1) throw new StoreRefusedError('already-exists', 'folder exists already');
  makeParents(group, mailbox, name);
  if (existing) removeRow(group, existing);
  const state = group.createFolder(mailbox, name, specialUse ?? null, true);
  return toFolderRow(state.columns, isSubscribed(group, mailbox, name));
}

export function deleteFolder(group: Group, mailbox: number, name: string): undefined {
  if (name === 'INBOX') throw new StoreRefusedError('cannot', 'INBOX cannot be deleted');
  const state = group.folderByName(mailbox, name);
  if (!state) throw new StoreRefusedError('nonexistent', 'folder does not exist');
  const hasChildren = children(group, mailbox, name).length > 0;
  if (hasChildren && state.columns.selectable === 0) throw new StoreRefusedError('cannot', 'folder has children');
  bury(group, state);
  // RFC 3501 §6.3.4: with children the name stays, but cannot be selected.
  if (hasChildren) group.createFolder(mailbox, name, null, false);
}

export function renameFolder(group: Group, mailbox: number, from: string, to: string): undefined {
  const state = group.folderByName(mailbox, from);
  if (!state) throw new StoreRefusedError('nonexistent', 'folder does not exist');
  if (group.folderByName(mailbox, to)) throw new StoreRefusedError('already-exists', 'folder exists already');
  if (to.startsWith(`${from}/`) && from !== 'INBOX') {
    throw new StoreRefusedError('cannot', 'a folder cannot be moved into itself');
  }
  makeParents(group, mailbox, to);
  if (from === 'INBOX') {
    emptyInbox(group, state, to);
    return;
  }
  for (const child of children(group, mailbox, from)) {
    rename(group, child, to + child.columns.name.slice(from.length));
  }
  rename(group, state, to);
}

/** RFC 3501 §6.3.5: INBOX stays, and its messages go to the new folder (with their uids, which it has free). */
function emptyInbox(group: Group, inbox: FolderState, to: string): void {
  const target = group.createFolder(inbox.columns.mailbox, to, null, true);
  const { columns } = inbox;
  const modseq = group.bump(inbox);
  const id = columns.id;
  const uids = group.sql('SELECT uid FROM message WHERE folder = ?').all(id) as { uid: number }[];
  group
    .sql('INSERT INTO expunged (folder, modseq, uid) SELECT folder, ?, uid FROM message WHERE folder = ?')
    .run(modseq, id);
  group.sql('UPDATE message SET folder = ? WHERE folder = ?').run(target.columns.id, id);
  const { messages, bytes, unseen, deleted } = columns;
  Object.assign(target.columns, {
    messages,
    bytes,
    unseen,
    deleted,
    uid_next: columns.uid_next,
    modseq: columns.modseq,
  });
  target.keywords = [...inbox.keywords];
  target.dirty = true;
  Object.assign(columns, { messages: 0, bytes: 0, unseen: 0, deleted: 0 });
  for (const { uid } of uids) inbox.expunged.push(uid);
}

function rename(group: Group, state: FolderState, name: string): void {
  group.sql('UPDATE folder SET name = ? WHERE id = ?').run(name, state.columns.id);
  state.columns.name = name;
}

function children(group: Group, mailbox: number, name: string): FolderState[] {
  // `0` is the character after `/`: the range holds every name that begins with `name/`.
  const rows = group
    .sql('SELECT name FROM folder WHERE mailbox = ? AND name > ? AND name < ?')
    .all(mailbox, `${name}/`, `${name}0`) as { name: string }[];
  return rows.map((row) => group.folderByName(mailbox, row.name)).filter((state) => state !== undefined);
}

/** Takes the folder out of its mailbox; purge() does the rest. */
export function bury(group: Group, state: FolderState): void {
  const { id, mailbox } = state.columns;
  group.sql('UPDATE folder SET mailbox = ?, name = ? WHERE id = ?').run(-mailbox, `deleted ${id}`, id);
  group.forget(state);
}

export function removeRow(group: Group, state: FolderState): void {
  group.sql('DELETE FROM folder WHERE id = ?').run(state.columns.id);
  group.forget(state);
}

export function subscribe(group: Group, mailbox: number, name: string, subscribed: boolean): undefined {
  const text = subscribed
    ? 'INSERT OR IGNORE INTO subscription (mailbox, name) VALUES (?, ?)'
    : 'DELETE FROM subscription WHERE mailbox = ? AND name = ?';
  group.sql(text).run(mailbox, name);
}

function isSubscribed(group: Group, mailbox: number, name: string): boolean {
  return group.sql('SELECT 1 FROM subscription WHERE mailbox = ? AND name = ?').get(mailbox, name) !== undefined;
}

export function removeMailbox(group: Group, mailbox: number): undefined {
  const rows = group.sql('SELECT id FROM folder WHERE mailbox IN (?, ?)').all(mailbox, stagedMailbox(mailbox)) as {
    id: number;
  }[];
  for (const { id } of rows) bury(group, group.folder(id));
  group.sql('DELETE FROM import_folder WHERE mailbox = ?').run(mailbox);
  group.sql('DELETE FROM subscription WHERE mailbox = ?').run(mailbox);
  group.sql('DELETE FROM meta WHERE key = ?').run(`mailbox ${mailbox}`);
}

/** Removes up to `limit` messages of deleted folders, and the folder rows that are empty. */
export function purge(group: Group, limit: number): WriteResults['purge'] {
  const folder = group.sql('SELECT id FROM folder WHERE mailbox < 0 LIMIT 1').get() as { id: number } | undefined;
  if (!folder) return { remaining: false };
  const rows = group.sql('SELECT uid, content FROM message WHERE folder = ? LIMIT ?').all(folder.id, limit) as {
    uid: number;
    content: number;
  }[];
  for (const { uid, content } of rows) {
    group.sql('DELETE FROM message WHERE folder = ? AND uid = ?').run(folder.id, uid);
    releaseContent(group, content);
  }
  const history = group
    .sql(
      'DELETE FROM expunged WHERE (folder, modseq, uid) IN (SELECT folder, modseq, uid FROM expunged WHERE folder = ? LIMIT ?)',
    )
    .run(folder.id, limit);
  const imported = forgetImported(group, folder.id, limit);
  if (Math.max(rows.length, history.changes, imported) >= limit) return { remaining: true };
  group.sql('DELETE FROM import_folder WHERE folder = ?').run(folder.id);
  group.sql('DELETE FROM folder WHERE id = ?').run(folder.id);
  return { remaining: true };
}

/** At most `limit` of them. */
function forgetImported(group: Group, folder: number, limit: number): number {
  const forget = group.sql(
    'DELETE FROM imported WHERE (folder, key) IN (SELECT folder, key FROM imported WHERE folder = ? LIMIT ?)',
  );
  return forget.run(folder, limit).changes;
}

/** Counts every folder of the mailbox anew. */
export function recalculate(group: Group, mailbox: number): QuotaUsage {
  const rows = group.sql('SELECT * FROM folder WHERE mailbox = ?').all(mailbox) as FolderColumns[];
  let bytes = 0;
  let messages = 0;
  for (const row of rows) {
    const counted = group
      .sql(
        `SELECT count(*) AS messages, coalesce(sum(size), 0) AS bytes, coalesce(sum((flags & 1) = 0), 0) AS unseen,
         coalesce(sum((flags & 8) <> 0), 0) AS deleted FROM message WHERE folder = ?`,
      )
      .get(row.id) as { messages: number; bytes: number; unseen: number; deleted: number };
    const state = group.folder(row.id);
    Object.assign(state.columns, counted);
    state.dirty = true;
    bytes += counted.bytes;
    messages += counted.messages;
  }
  return { mailbox, bytes, messages };
}
