// DELETE (RFC 3501 §6.3.4). Sessions that have the folder selected are ended; the one that deletes it only closes it.

import type { CommandArguments } from '../../imap/parse-command.ts';
import { userOf, type SessionContext } from '../session-context.ts';

export async function deleteFolder(session: SessionContext, { mailbox }: CommandArguments<'DELETE'>): Promise<string> {
  const { store } = session.server;
  const { mailboxId } = userOf(session);
  // By its number: it may have been renamed since it was selected.
  const folder = store.folders(mailboxId).find(({ name }) => name === mailbox);
  if (folder !== undefined && folder.id === session.selected?.view.folder && mailbox !== 'INBOX') session.unselect();
  await store.deleteFolder(mailboxId, mailbox);
  return 'Delete completed.';
}
