// MOVE and UID MOVE (RFC 6851): one transaction. COPYUID goes out before the EXPUNGE responses (§4.3).

import type { CommandArguments } from '../../imap/parse-command.ts';
import { findFolder } from '../folders.ts';
import { selectedOf, type SessionContext } from '../session-context.ts';
import { copyUid } from './copy.ts';
import { requireWritable } from './expunge.ts';

type Arguments = CommandArguments<'MOVE'>;

export function move(session: SessionContext, args: Arguments): Promise<string> {
  return moveMessages(session, args, false);
}

export function uidMove(session: SessionContext, args: Arguments): Promise<string> {
  return moveMessages(session, args, true);
}

async function moveMessages(session: SessionContext, { set, mailbox }: Arguments, byUid: boolean): Promise<string> {
  requireWritable(session);
  const selected = selectedOf(session);
  const target = findFolder(session, mailbox, 'TRYCREATE');
  const { uids } = selected.uidsOf(set, byUid);
  if (uids.length === 0) return 'No messages found.';
  const result = await session.server.store.move(selected.view.folder, uids, target.id);
  if (result.source.length > 0) session.output.line(`* OK [${copyUid(result)}] Moved UIDs.`);
  return 'Move completed.';
}
