// IDLE (RFC 2177): until DONE, changes of the selected folder are pushed as they are committed (session.ts).

import { ImapRefusal } from '../refusal.ts';
import type { SessionContext } from '../session-context.ts';

export async function idle(session: SessionContext): Promise<string> {
  session.output.line('+ idling');
  // What comes while a long list of changes is told is pushed by nobody yet.
  do {
    await session.announce(false);
    session.output.flush();
  } while (session.selected?.hasNews);
  session.isIdle = true;
  try {
    const line = await session.input.readLine(100);
    if (line.toString('latin1').toUpperCase() !== 'DONE') throw new ImapRefusal('BAD', '', 'Expected DONE.');
  } finally {
    session.isIdle = false;
  }
  return 'Idle completed.';
}
