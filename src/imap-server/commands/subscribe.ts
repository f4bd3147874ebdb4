// SUBSCRIBE and UNSUBSCRIBE (RFC 3501 §6.3.6, §6.3.7). A subscription may outlive its folder, but is made only for one.

import type { CommandArguments } from '../../imap/parse-command.ts';
import { ImapRefusal } from '../refusal.ts';
import { userOf, type SessionContext } from '../session-context.ts';

export async function subscribe(session: SessionContext, { mailbox }: CommandArguments<'SUBSCRIBE'>): Promise<string> {
  const { store } = session.server;
  const { mailboxId } = userOf(session);
  const name = withoutTrailingSeparator(mailbox);
  if (!store.folders(mailboxId).some((folder) => folder.name === name)) {
    throw new ImapRefusal('NO', 'NONEXISTENT', "Mailbox doesn't exist.");
  }
  await store.setSubscribed(mailboxId, name, true);
  return 'Subscribe completed.';
}

export async function unsubscribe(
  session: SessionContext,
  { mailbox }: CommandArguments<'UNSUBSCRIBE'>,
): Promise<string> {
  await session.server.store.setSubscribed(userOf(session).mailboxId, withoutTrailingSeparator(mailbox), false);
  return 'Unsubscribe completed.';
}

function withoutTrailingSeparator(name: string): string {
  return name.endsWith('/') ? name.slice(0, -1) : name;
}
