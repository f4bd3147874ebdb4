// ID (RFC 2971). The name, not the version: who wants to attack learns it elsewhere.

import type { SessionContext } from '../session-context.ts';

export function id(session: SessionContext): string {
  session.output.line('* ID ("name" "Posthaste")');
  return 'ID completed.';
}
