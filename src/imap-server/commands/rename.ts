// RENAME (RFC 3501 §6.3.5).

import type { CommandArguments } from '../../imap/parse-command.ts';
import { checkNewName } from '../folders.ts';
import { userOf, type SessionContext } from '../session-context.ts';

export async function rename(session: SessionContext, { from, to }: CommandArguments<'RENAME'>): Promise<string> {
  const name = to.endsWith('/') ? to.slice(0, -1) : to;
  checkNewName(name);
  await session.server.store.renameFolder(userOf(session).mailboxId, from, name);
  return 'Rename completed.';
}
