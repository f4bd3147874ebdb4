// STARTTLS (RFC 3501 §6.2.1). What the client sent behind the command is discarded by the session.

import { ImapRefusal, ConnectionEndedError } from '../refusal.ts';
import type { SessionContext } from '../session-context.ts';

export async function startTls(session: SessionContext): Promise<string> {
  if (session.isTls) throw new ImapRefusal('BAD', '', 'TLS is already active.');
  if (!session.canStartTls) throw new ImapRefusal('NO', '', 'TLS is not available.');
  throw new ConnectionEndedError('handled by the session');
}
