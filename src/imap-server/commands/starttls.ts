// STARTTLS (RFC 3501 §6.2.1). The handshake begins after the tagged OK, in session.ts; what the client sent behind
// the command is discarded there.

import { ImapRefusal } from '../refusal.ts';
import type { SessionContext } from '../session-context.ts';

export function startTls(session: SessionContext): string {
  if (session.isTls) throw new ImapRefusal('BAD', '', 'TLS is already active.');
  if (!session.canStartTls) throw new ImapRefusal('NO', '', 'TLS is not available.');
  return 'Begin TLS negotiation now.';
}
