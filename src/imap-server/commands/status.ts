// STATUS (RFC 3501 §6.3.10; HIGHESTMODSEQ of RFC 7162 §3.1.7, SIZE of RFC 8438).

import type { StatusItem } from '../../imap/list-arguments.ts';
import type { CommandArguments } from '../../imap/parse-command.ts';
import { printMailbox } from '../../imap/print.ts';
import type { FolderRow, Mailstore } from '../../mailstore/types.ts';
import { findFolder } from '../folders.ts';
import type { SessionContext } from '../session-context.ts';
import { enableCondstore } from './enable.ts';

export function status(session: SessionContext, { mailbox, items }: CommandArguments<'STATUS'>): string {
  const folder = findFolder(session, mailbox);
  if (items.includes('HIGHESTMODSEQ')) enableCondstore(session);
  session.output.line(statusLine(session.server.store, folder, items));
  return 'Status completed.';
}

export function statusLine(store: Mailstore, folder: FolderRow, items: readonly StatusItem[]): string {
  const counts = store.counts(folder.id);
  const values: Record<StatusItem, number> = {
    MESSAGES: counts.messages,
    RECENT: 0,
    UIDNEXT: folder.uidNext,
    UIDVALIDITY: folder.uidValidity,
    UNSEEN: counts.unseen,
    HIGHESTMODSEQ: folder.modseq,
    SIZE: counts.size,
  };
  const pairs = items.map((item) => `${item} ${values[item]}`).join(' ');
  return `* STATUS ${printMailbox(folder.name)} (${pairs})`;
}
