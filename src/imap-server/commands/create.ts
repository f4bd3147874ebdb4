// CREATE (RFC 3501 §6.3.3), with a special use (RFC 6154 §3).

import type { CommandArguments } from '../../imap/parse-command.ts';
import { checkNewName } from '../folders.ts';
import { ImapRefusal } from '../refusal.ts';
import { userOf, type SessionContext } from '../session-context.ts';

const specialUses = ['\\Archive', '\\Drafts', '\\Junk', '\\Sent', '\\Trash'];

export async function create(session: SessionContext, args: CommandArguments<'CREATE'>): Promise<string> {
  const { store, options } = session.server;
  const { mailboxId } = userOf(session);
  // A trailing separator announces children (§6.3.3); there is nothing to prepare for them.
  const name = args.mailbox.endsWith('/') ? args.mailbox.slice(0, -1) : args.mailbox;
  checkNewName(name);
  const folders = store.folders(mailboxId);
  if (folders.length >= options.maxFolders) throw new ImapRefusal('NO', 'LIMIT', 'Too many mailboxes.');
  const specialUse = readSpecialUse(args.specialUses);
  if (specialUse !== undefined && folders.some((folder) => folder.specialUse === specialUse)) {
    throw new ImapRefusal('NO', 'USEATTR', `There is a mailbox with ${specialUse} already.`);
  }
  await store.createFolder(mailboxId, name, specialUse);
  return 'Create completed.';
}

function readSpecialUse(names: readonly string[]): string | undefined {
  const [name] = names;
  if (name === undefined) return undefined;
  const known = specialUses.find((use) => use.toLowerCase() === name.toLowerCase());
  if (known === undefined || names.length > 1) throw new ImapRefusal('NO', 'USEATTR', 'Special use is not supported.');
  return known;
}
