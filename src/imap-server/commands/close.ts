// CLOSE (RFC 3501 §6.4.2): removes \Deleted messages without telling each, then nothing is selected.

import { selectedOf, type SessionContext } from '../session-context.ts';
import { removeDeleted } from './expunge.ts';

export async function close(session: SessionContext): Promise<string> {
  const selected = selectedOf(session);
  try {
    if (!selected.isReadOnly) await removeDeleted(session, selected.allUids());
  } finally {
    session.unselect();
  }
  return 'Close completed.';
}
