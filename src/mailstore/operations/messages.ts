// What IMAP does to the messages of one folder: append, flags, expunge, copy, move. The main thread cuts
// long lists into slices of at most 500 uids, except for copy and move, which are atomic.

import { isDeleted, isSeen, withFlags, withoutFlags } from '../flags.ts';
import {
  deletedBit,
  type FlagBits,
  type MessageRow,
  type StoredFlags,
  type StoreFlagsAction,
  StoreRefusedError,
} from '../types.ts';
import { addReferences, insertContent, releaseContent } from './contents.ts';
import type { FolderState, Group } from './group.ts';
import type { WriteOperation, WriteResults } from './types.ts';

type Operation<K extends WriteOperation['kind']> = Extract<WriteOperation, { kind: K }>;

interface MessageColumns {
  uid: number;
  modseq: number;
  flags: number;
  size: number;
  internal_date: number;
  content: number;
}

export function readMessage(group: Group, folder: number, uid: number): MessageRow | undefined {
  const row = group
    .sql('SELECT uid, modseq, flags, size, internal_date, content FROM message WHERE folder = ? AND uid = ?')
    .get(folder, uid) as MessageColumns | undefined;
  return row && { ...row, internalDate: row.internal_date };
}

function selectable(group: Group, id: number): FolderState {
  const folder = group.folder(id);
  if (folder.columns.selectable === 0) throw new StoreRefusedError('cannot', 'folder cannot hold messages');
  return folder;
}

/** Here, where one follows the other, so that several clients at once cannot go beyond the quota together. */
function requireRoom(group: Group, { columns }: FolderState, octets: number, quota: number | undefined): void {
  if (quota === undefined || group.usedOctets(columns.mailbox) + octets <= quota) return;
  throw new StoreRefusedError('over-quota', 'quota exceeded (mailbox for user is full)');
}

export function append(group: Group, operation: Operation<'append'>): WriteResults['append'] {
  const folder = selectable(group, operation.folder);
  const octets = operation.messages.reduce((sum, { content }) => sum + content.size, 0);
  requireRoom(group, folder, octets, operation.quota);
  const flagBits = operation.messages.map((message) => group.flagBits(folder, message.flags, true));
  const uids = operation.messages.map((message, index) => {
    const id = insertContent(group, message.content, null, 1);
    return group.addMessage(folder, flagBits[index] as FlagBits, message.content.size, message.internalDate, id).uid;
  });
  return { uidValidity: folder.columns.uid_validity, uids };
}

export function storeFlags(group: Group, operation: Operation<'store-flags'>): WriteResults['store-flags'] {
  const folder = group.folder(operation.folder);
  const bits = group.flagBits(folder, operation.flags, operation.action !== 'remove');
  const changed: StoredFlags['changed'] = [];
  const modified: number[] = [];
  for (const uid of operation.uids) {
    const row = readMessage(group, operation.folder, uid);
    if (!row) continue;
    if (operation.unchangedSince !== undefined && row.modseq > operation.unchangedSince) {
      modified.push(uid);
      continue;
    }
    const flags = applyFlags(row.flags, operation.action, bits);
    if (flags === row.flags) {
      changed.push({ uid, flags, modseq: row.modseq, previousModseq: row.modseq });
      continue;
    }
    const modseq = group.bump(folder);
    group
      .sql('UPDATE message SET flags = ?, modseq = ? WHERE folder = ? AND uid = ?')
      .run(flags, modseq, operation.folder, uid);
    recount(folder, row.flags, flags);
    folder.flagged.push({ uid, flags, modseq });
    changed.push({ uid, flags, modseq, previousModseq: row.modseq });
  }
  return { changed, modified };
}

export function applyFlags(current: FlagBits, action: StoreFlagsAction, bits: FlagBits): FlagBits {
  if (action === 'add') return withFlags(current, bits);
  if (action === 'remove') return withoutFlags(current, bits);
  return bits;
}

export function recount(folder: FolderState, before: FlagBits, after: FlagBits): void {
  folder.columns.unseen += Number(!isSeen(after)) - Number(!isSeen(before));
  folder.columns.deleted += Number(isDeleted(after)) - Number(isDeleted(before));
}

export function expunge(group: Group, operation: Operation<'expunge'>): WriteResults['expunge'] {
  const folder = group.folder(operation.folder);
  const expunged: number[] = [];
  for (const uid of operation.uids) {
    const row = readMessage(group, operation.folder, uid);
    // Another session may have taken \Deleted away, or the message, since the list was made.
    if (!row || (row.flags & deletedBit) === 0) continue;
    group.removeMessage(folder, row);
    releaseContent(group, row.content);
    expunged.push(uid);
  }
  return { expunged, modseq: folder.columns.modseq };
}

export function copy(group: Group, operation: Operation<'copy'>): WriteResults['copy'] {
  const folder = group.folder(operation.folder);
  const target = selectable(group, operation.target);
  const rows: MessageRow[] = [];
  for (const uid of operation.uids) {
    const row = readMessage(group, operation.folder, uid);
    if (row) rows.push(row);
  }
  if (!operation.move) {
    const octets = rows.reduce((sum, { size }) => sum + size, 0);
    requireRoom(group, target, octets, operation.quota);
  }
  // Refusals come before the first change: the keywords of the target may run out.
  const flags = rows.map((row) => translateFlags(group, folder, target, row.flags));
  const uids = rows.map((row, index) => {
    if (!operation.move) addReferences(group, row.content, 1);
    return group.addMessage(target, flags[index] as FlagBits, row.size, row.internalDate, row.content).uid;
  });
  if (operation.move) for (const row of rows) group.removeMessage(folder, row);
  return { uidValidity: target.columns.uid_validity, source: rows.map((row) => row.uid), target: uids };
}

/** Keyword numbers differ from folder to folder. */
export function translateFlags(group: Group, from: FolderState, to: FolderState, flags: FlagBits): FlagBits {
  if (from === to) return flags;
  const system = flags % 32;
  if (flags === system) return flags;
  const names = from.keywords.filter((_, index) => Math.floor(flags / 2 ** (5 + index)) % 2 === 1);
  return withFlags(system, group.flagBits(to, names, true));
}
