// CAPABILITY (RFC 3501 §6.1.1).

import { capabilityText } from '../capabilities.ts';
import type { SessionContext } from '../session-context.ts';

export function capability(session: SessionContext): string {
  session.output.line(`* CAPABILITY ${capabilityText(session)}`);
  return 'Capability completed.';
}
