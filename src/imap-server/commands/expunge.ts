// EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1). The EXPUNGE responses come from the store's change notice, as for
// every other connection.

import type { CommandArguments } from '../../imap/parse-command.ts';
import { deletedBit } from '../../mailstore/types.ts';
import { hasFlag } from '../folder-view.ts';
import { ImapRefusal } from '../refusal.ts';
import { selectedOf, type SessionContext } from '../session-context.ts';

export async function expunge(session: SessionContext): Promise<string> {
  const selected = selectedOf(session);
  requireWritable(session);
  await removeDeleted(session, selected.allUids());
  return 'Expunge completed.';
}

export async function uidExpunge(session: SessionContext, { set }: CommandArguments<'UID EXPUNGE'>): Promise<string> {
  const selected = selectedOf(session);
  requireWritable(session);
  await removeDeleted(session, selected.uidsOf(set, true).uids);
  return 'Expunge completed.';
}

/** Of `uids` those that have \Deleted. */
export async function removeDeleted(session: SessionContext, uids: readonly number[]): Promise<void> {
  const { view } = selectedOf(session);
  const deleted = uids.filter((uid) => hasFlag(view.flagsAt(view.indexOf(uid)), deletedBit));
  if (deleted.length === 0) return;
  const { expunged } = await session.server.store.expunge(view.folder, deleted);
  session.counters.expunged += expunged.length;
}

export function requireWritable(session: SessionContext): void {
  if (selectedOf(session).isReadOnly) throw new ImapRefusal('NO', 'READ-ONLY', 'Mailbox is read-only.');
}
