// NAMESPACE (RFC 2342): one personal namespace, no prefix, separator `/`.

import type { SessionContext } from '../session-context.ts';

export function namespace(session: SessionContext): string {
  session.output.line('* NAMESPACE (("" "/")) NIL NIL');
  return 'Namespace completed.';
}
