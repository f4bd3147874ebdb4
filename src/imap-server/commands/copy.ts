// COPY and UID COPY (RFC 3501 §6.4.7), all or nothing, with COPYUID (RFC 4315 §3).

import type { CommandArguments } from '../../imap/parse-command.ts';
import { printSequenceSet } from '../../imap/sequence-set.ts';
import { findFolder } from '../folders.ts';
import { selectedOf, type SessionContext } from '../session-context.ts';
import { checkQuota } from './quota.ts';

type Arguments = CommandArguments<'COPY'>;

export function copy(session: SessionContext, args: Arguments): Promise<string> {
  return copyMessages(session, args, false);
}

export function uidCopy(session: SessionContext, args: Arguments): Promise<string> {
  return copyMessages(session, args, true);
}

async function copyMessages(session: SessionContext, { set, mailbox }: Arguments, byUid: boolean): Promise<string> {
  const { store } = session.server;
  const selected = selectedOf(session);
  const target = findFolder(session, mailbox, 'TRYCREATE');
  const { uids } = selected.uidsOf(set, byUid);
  if (uids.length === 0) return 'No messages found.';
  const quota = await checkQuota(session, sizeOf(session, uids));
  const result = await store.copy(selected.view.folder, uids, target.id, quota);
  if (result.source.length === 0) return 'No messages found.';
  return `[${copyUid(result)}] Copy completed.`;
}

export function copyUid(result: { uidValidity: number; source: number[]; target: number[] }): string {
  return `COPYUID ${result.uidValidity} ${printSequenceSet(result.source)} ${printSequenceSet(result.target)}`;
}

/** Octets of the messages; read in pages. */
function sizeOf(session: SessionContext, uids: readonly number[]): number {
  const { store } = session.server;
  const { folder } = selectedOf(session).view;
  const first = uids[0] ?? 0;
  const last = uids.at(-1) ?? 0;
  const wanted = new Set(uids);
  let size = 0;
  let after = first - 1;
  while (after < last) {
    const rows = store.messages(folder, after, 500);
    for (const row of rows) if (wanted.has(row.uid)) size += row.size;
    after = rows.at(-1)?.uid ?? last;
  }
  return size;
}
