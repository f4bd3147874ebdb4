// Taking folders from elsewhere, so that clients need not fetch them again: with the source's UIDVALIDITY and uids.
//
// A folder that is new here, or empty, is built out of sight (`stagedMailbox`) and shown in one transaction when it is
// complete: its uids may come in any order, while a folder that clients see may only grow at its end (RFC 3501
// §2.3.1.1). What was delivered in the meantime is in the folder that everybody sees, and goes behind the imported mail with
// new uids. A folder that has mail of its own keeps its UIDVALIDITY, and what is imported is appended.
//
// `imported` remembers each message by what it is called at its source, in the transaction that adds it: an import
// that was cut off at any point, or is run again, takes what is missing and doubles nothing, also when the message has been
// deleted or moved here since. It goes with its folder.

import { withFlags } from '../flags.ts';
import {
  type ImportedFolder,
  type ImportedMessage,
  type ImportFlagsChange,
  type ImportFolder,
  isUidKey,
} from '../import-types.ts';
import { type FlagBits, type MessageRow, StoreRefusedError } from '../types.ts';
import { insertContent } from './contents.ts';
import { bury, createFolder, makeParents, removeRow, stagedMailbox } from './folders.ts';
import type { FolderColumns, FolderState, Group } from './group.ts';
import { applyFlags, readMessage, recount, translateFlags } from './messages.ts';
import type { PackedImport, WriteResults } from './types.ts';

export function importFolder(group: Group, wish: ImportFolder): ImportedFolder {
  const known = knownTarget(group, wish);
  if (known !== undefined) return told(known, wish);
  const live = group.folderByName(wish.mailbox, wish.name);
  const state = canTakeUids(live, wish) ? stage(group, wish) : (existing(live) ?? create(group, wish));
  group
    .sql('INSERT OR REPLACE INTO import_folder (mailbox, name, folder) VALUES (?, ?, ?)')
    .run(wish.mailbox, wish.name, state.columns.id);
  return told(state, wish);
}

function told({ columns }: FolderState, { mailbox, uidValidity }: ImportFolder): ImportedFolder {
  return {
    folder: columns.id,
    uidValidity: columns.uid_validity,
    isStaged: columns.mailbox !== mailbox,
    keepsUids: columns.uid_validity === uidValidity,
  };
}

/** Where an import before has gone, whatever the folder is called by now. */
function knownTarget(group: Group, wish: ImportFolder): FolderState | undefined {
  const row = group
    .sql(
      `SELECT folder.id FROM import_folder JOIN folder ON folder.id = import_folder.folder
       WHERE import_folder.mailbox = ? AND import_folder.name = ? AND folder.mailbox IN (?, ?) AND selectable = 1`,
    )
    .get(wish.mailbox, wish.name, wish.mailbox, stagedMailbox(wish.mailbox)) as { id: number } | undefined;
  if (row === undefined) return undefined;
  const state = group.folder(row.id);
  if (state.columns.mailbox === wish.mailbox) return state;
  if (state.columns.uid_validity === wish.uidValidity) {
    raiseUidNext(state, wish.uidNext ?? 1);
    return state;
  }
  // The source has given its folder a new life since an import that was never finished.
  bury(group, state);
  return undefined;
}

function existing(live: FolderState | undefined): FolderState | undefined {
  return live?.columns.selectable === 1 ? live : undefined;
}

function canTakeUids(live: FolderState | undefined, { uidValidity, renumber = false }: ImportFolder): boolean {
  if (uidValidity === undefined) return false;
  const columns = existing(live)?.columns;
  if (columns === undefined) return true;
  // What stands under this value here would change its meaning.
  if (columns.uid_validity === uidValidity && columns.uid_next > 1) return false;
  return columns.messages === 0 || renumber;
}

function stage(group: Group, { mailbox, name, uidValidity = 0, uidNext = 1 }: ImportFolder): FolderState {
  const state = group.createFolder(stagedMailbox(mailbox), name, null, true);
  group.takeUidValidity(state, uidValidity);
  raiseUidNext(state, uidNext);
  // Clients that know a mod-sequence of the source must find ours above it (RFC 7162 §3.1.2): no server counts as fast
  // as milliseconds pass.
  state.columns.modseq = Math.max(1, group.now);
  state.dirty = true;
  return state;
}

function create(group: Group, { mailbox, name }: ImportFolder): FolderState {
  return group.folder(createFolder(group, mailbox, name, undefined).id);
}

function raiseUidNext(state: FolderState, uidNext: number): void {
  if (uidNext <= state.columns.uid_next) return;
  state.columns.uid_next = uidNext;
  state.dirty = true;
}

export function importMessages(
  group: Group,
  folder: number,
  messages: readonly PackedImport[],
): WriteResults['import-messages'] {
  const state = group.folder(folder);
  const isStaged = state.columns.mailbox >= stagedMailbox(0);
  return messages.map((message) => importMessage(group, state, isStaged, message));
}

function importMessage(group: Group, state: FolderState, isStaged: boolean, message: PackedImport): ImportedMessage {
  const folder = state.columns.id;
  for (const key of message.keys) {
    const row = group.sql('SELECT uid, sha256 FROM imported WHERE folder = ? AND key = ?').get(folder, key) as
      | { uid: number; sha256: Buffer }
      | undefined;
    if (row === undefined) continue;
    if (isUidKey(key)) {
      if (!row.sha256.equals(group.slice(message.content.sha256))) continue;
      remember(group, folder, message, row.uid);
    }
    return { uid: row.uid, isNew: false, lostKeywords: [] };
  }
  const twin = isSameMessage(group, state, message) ? message.uid : undefined;
  if (twin !== undefined) {
    remember(group, folder, message, twin);
    return { uid: twin, isNew: false, lostKeywords: [] };
  }
  const { bits, lost } = takeFlags(group, state, message.flags);
  const content = insertContent(group, message.content, null, 1);
  const uid = freeUid(group, state, isStaged, message.uid);
  const row = group.addMessage(state, bits, message.content.size, message.internalDate, content, uid);
  remember(group, folder, message, row.uid);
  return { uid: row.uid, isNew: true, lostKeywords: lost };
}

function remember(group: Group, folder: number, message: PackedImport, uid: number): void {
  // Only a uidKey may be there already.
  const note = group.sql('INSERT OR IGNORE INTO imported (folder, key, uid, flags, sha256) VALUES (?, ?, ?, ?, ?)');
  const sha256 = group.slice(message.content.sha256);
  for (const key of message.keys) note.run(folder, key, uid, printFlags(message.flags), sha256);
}

/** It was taken by another way, first from the files and now by IMAP: the same octets under the same uid. */
function isSameMessage(group: Group, state: FolderState, { uid, content }: PackedImport): boolean {
  const row = uid === undefined ? undefined : readMessage(group, state.columns.id, uid);
  if (row === undefined || row.size !== content.size) return false;
  const known = group.sql('SELECT sha256, prefix FROM content WHERE id = ?').get(row.content) as
    | { sha256: Buffer | null; prefix: Buffer | null }
    | undefined;
  return known?.sha256?.equals(group.slice(content.sha256)) === true && (known.prefix?.length ?? 0) === 0;
}

/** The wished one, where nobody can have seen another message under it, nor a later one; else the folder's next. */
function freeUid(group: Group, state: FolderState, isStaged: boolean, wished: number | undefined): number | undefined {
  if (wished === undefined) return undefined;
  if (wished >= state.columns.uid_next) return wished;
  return isStaged && readMessage(group, state.columns.id, wished) === undefined ? wished : undefined;
}

function takeFlags(group: Group, state: FolderState, flags: readonly string[]): { bits: FlagBits; lost: string[] } {
  let bits: FlagBits = 0;
  const lost: string[] = [];
  for (const flag of flags) {
    try {
      bits = withFlags(bits, group.flagBits(state, [flag], true));
    } catch (error) {
      if (!(error instanceof StoreRefusedError)) throw error;
      lost.push(flag);
    }
  }
  return { bits, lost };
}

function printFlags(flags: readonly string[]): string {
  return flags.toSorted().join(' ');
}

/** What changed at the source since it was last looked at is done here; what changed here stays. Gives how many changed. */
export function importFlags(group: Group, folder: number, changes: readonly ImportFlagsChange[]): number {
  const state = group.folder(folder);
  let count = 0;
  for (const { key, flags } of changes) {
    const known = group.sql('SELECT uid, flags FROM imported WHERE folder = ? AND key = ?').get(folder, key) as
      | { uid: number; flags: string }
      | undefined;
    if (known === undefined) continue;
    const before = known.flags === '' ? [] : known.flags.split(' ');
    const added = flags.filter((flag) => !before.includes(flag));
    const removed = before.filter((flag) => !flags.includes(flag));
    group.sql('UPDATE imported SET flags = ? WHERE folder = ? AND key = ?').run(printFlags(flags), folder, key);
    const row = readMessage(group, folder, known.uid);
    if (row !== undefined && changeFlags(group, state, row, added, removed)) count++;
  }
  return count;
}

function changeFlags(
  group: Group,
  state: FolderState,
  row: MessageRow,
  added: readonly string[],
  removed: readonly string[],
): boolean {
  const more = applyFlags(row.flags, 'add', takeFlags(group, state, added).bits);
  const flags = applyFlags(more, 'remove', group.flagBits(state, removed, false));
  if (flags === row.flags) return false;
  const modseq = group.bump(state);
  group
    .sql('UPDATE message SET flags = ?, modseq = ? WHERE folder = ? AND uid = ?')
    .run(flags, modseq, state.columns.id, row.uid);
  recount(state, row.flags, flags);
  state.flagged.push({ uid: row.uid, flags, modseq });
  return true;
}

/** Shows a folder that was built out of sight; what came meanwhile moves behind its mail. */
export function finishImport(
  group: Group,
  folder: number,
  specialUse: string | undefined,
): WriteResults['import-finish'] {
  const state = group.folder(folder);
  const { columns } = state;
  let moved = 0;
  if (columns.mailbox >= stagedMailbox(0)) {
    const mailbox = columns.mailbox - stagedMailbox(0);
    makeParents(group, mailbox, columns.name);
    const live = group.folderByName(mailbox, columns.name);
    if (live !== undefined) {
      moved = takePlace(group, state, live);
      setSpecialUse(group, state, live.columns.special_use);
    }
    group.sql('UPDATE folder SET mailbox = ? WHERE id = ?').run(mailbox, folder);
    columns.mailbox = mailbox;
    state.dirty = true;
  }
  if (specialUse !== undefined) giveSpecialUse(group, state, specialUse);
  return { moved };
}

function takePlace(group: Group, state: FolderState, live: FolderState): number {
  if (live.columns.selectable === 0) {
    removeRow(group, live);
    return 0;
  }
  const rows = group
    .sql(
      'SELECT uid, modseq, flags, size, internal_date AS internalDate, content FROM message WHERE folder = ? ORDER BY uid',
    )
    .all(live.columns.id) as MessageRow[];
  group.sql('DELETE FROM message WHERE folder = ?').run(live.columns.id);
  for (const row of rows) {
    const flags = translateFlags(group, live, state, row.flags);
    group.addMessage(state, flags, row.size, row.internalDate, row.content);
  }
  bury(group, live);
  return rows.length;
}

function setSpecialUse(group: Group, state: FolderState, use: string | null): void {
  group.sql('UPDATE folder SET special_use = ? WHERE id = ?').run(use, state.columns.id);
  state.columns.special_use = use;
}

/** From the folder that was made for it and never held a message; one in use keeps it. */
function giveSpecialUse(group: Group, state: FolderState, use: string): void {
  if (state.columns.special_use !== null) return;
  const rows = group
    .sql('SELECT * FROM folder WHERE mailbox = ? AND special_use = ?')
    .all(state.columns.mailbox, use) as FolderColumns[];
  const holders = rows.map(({ id }) => group.folder(id));
  if (holders.some(({ columns }) => columns.uid_next > 1)) return;
  for (const holder of holders) {
    const { mailbox, name } = holder.columns;
    const child = group.sql('SELECT 1 FROM folder WHERE mailbox = ? AND name > ? AND name < ?');
    if (child.get(mailbox, `${name}/`, `${name}0`) !== undefined) {
      setSpecialUse(group, holder, null);
      continue;
    }
    group.sql('DELETE FROM subscription WHERE mailbox = ? AND name = ?').run(mailbox, name);
    bury(group, holder);
  }
  setSpecialUse(group, state, use);
}
