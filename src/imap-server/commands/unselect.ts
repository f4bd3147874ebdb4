// UNSELECT (RFC 3691): CLOSE without removing anything.

import type { SessionContext } from '../session-context.ts';

export function unselect(session: SessionContext): string {
  session.unselect();
  return 'Unselect completed.';
}
