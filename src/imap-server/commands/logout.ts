// LOGOUT (RFC 3501 §6.1.3). The session ends after the tagged OK.

import type { SessionContext } from '../session-context.ts';

export function logout(session: SessionContext): string {
  session.unselect();
  session.output.line('* BYE Logging out');
  return 'Logout completed.';
}
