// Finds the folders that commands name, and checks the names of new ones.

import type { FolderRow } from '../mailstore/types.ts';
import { ImapRefusal } from './refusal.ts';
import { userOf, type SessionContext } from './session-context.ts';

const separator = '/';
const maxNameBytes = 255;
const maxDepth = 20;

/** The selectable folder `name`; `missingCode` is TRYCREATE where the client could make it (RFC 3501 §7.1). */
export function findFolder(session: SessionContext, name: string, missingCode = 'NONEXISTENT'): FolderRow {
  const row = session.server.store.folders(userOf(session).mailboxId).find((folder) => folder.name === name);
  if (row === undefined) throw new ImapRefusal('NO', missingCode, `Mailbox doesn't exist: ${shown(name)}`);
  if (!row.selectable) throw new ImapRefusal('NO', missingCode, `Mailbox isn't selectable: ${shown(name)}`);
  return row;
}

/** Refuses names for new folders that clients could not show or name again. */
export function checkNewName(name: string): void {
  const levels = name.split(separator);
  if (name === '' || levels.some((level) => level === ''))
    throw new ImapRefusal('NO', 'CANNOT', 'Invalid mailbox name: empty level.');
  if (levels.length > maxDepth) throw new ImapRefusal('NO', 'CANNOT', 'Invalid mailbox name: too deep.');
  if (Buffer.byteLength(name) > maxNameBytes) throw new ImapRefusal('NO', 'CANNOT', 'Invalid mailbox name: too long.');
  if (/[*%]/.test(name)) throw new ImapRefusal('NO', 'CANNOT', 'Invalid mailbox name: wildcard.');
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/.test(name) || !name.isWellFormed()) {
    throw new ImapRefusal('NO', 'CANNOT', 'Invalid mailbox name: control character.');
  }
  if (levels[0]?.toUpperCase() === 'INBOX' && levels[0] !== 'INBOX') {
    throw new ImapRefusal('NO', 'CANNOT', 'Invalid mailbox name: INBOX is written in capitals.');
  }
}

/** A name in a human-readable text, which is US-ASCII. */
function shown(name: string): string {
  return name.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, '?');
}
