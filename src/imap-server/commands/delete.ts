// DELETE (RFC 3501 §6.3.4). Sessions that have the folder selected are ended; the one that deletes it only closes it.

import type { CommandArguments } from '../../imap/parse-command.ts';
import { userOf, type SessionContext } from '../session-context.ts';

export async function deleteFolder(session: SessionContext, { mailbox }: CommandArguments<'DELETE'>): Promise<string> {
  if (session.selected?.name === mailbox && mailbox !== 'INBOX') session.unselect();
  await session.server.store.deleteFolder(userOf(session).mailboxId, mailbox);
  return 'Delete completed.';
}
