// A browser's session begins: always with a new secret, never with one that was there before (fixation), and one that the same
// browser had ends.

import type { Owner } from '../directory/api-tokens.ts';
import type { Directory } from '../directory/directory.ts';
import type { OperationContext } from './operation.ts';

type Asking = Pick<OperationContext, 'directory' | 'server' | 'principal' | 'program' | 'setSession'>;

export async function beginSession(owner: Owner, context: Asking): Promise<void> {
  const { directory, server, principal, program, setSession } = context;
  const { address, owner: former, sessionId } = principal;
  if (former !== undefined && sessionId !== undefined) {
    // It may have ended meanwhile.
    await directory.sessions.remove(former, sessionId).catch(() => undefined);
  }
  setSession((await directory.sessions.add(owner, address, program)).secret);
  directory.notes.tried({ owner, outcome: 'in', protocol: 'http', address, time: server.clock.now() });
}

/** A mailbox that may be logged in to by some protocols only may be so by its owner's passkey too. */
export function mayUsePage({ kind, id }: Owner, { lookups }: Pick<Directory, 'lookups'>): boolean {
  return kind === 'admin' || lookups.loginRules.of(id).protocols?.includes('http') !== false;
}
