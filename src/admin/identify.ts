// Finds who asks: the owner of a token or of a session, as the directory knows them now. A token or a session whose owner
// is gone or switched off is nobody's.

import { secretDigest, type Owner } from '../directory/api-tokens.ts';
import type { Directory } from '../directory/directory.ts';
import type { Clock } from '../lib/clock.ts';
import type { Principal } from './principal.ts';

export function nobody(address: string): Principal {
  return { role: 'anonymous', login: '', address };
}

/** Undefined: the token is not, or no longer, good. `isUse`: it counts as used now. */
export function identifyToken(
  directory: Pick<Directory, 'lookups' | 'notes'>,
  secret: string,
  address: string,
  clock: Clock,
  isUse = true,
): Principal | undefined {
  const token = directory.lookups.identities.token(secretDigest(secret));
  const now = clock.now();
  if (token === undefined || (token.expires !== 0 && token.expires <= now)) return undefined;
  const owner = identifyOwner(directory, token.owner, address, now);
  if (owner === undefined) return undefined;
  if (isUse) directory.notes.keyUsed({ kind: 'token', id: token.id, time: now, address });
  const { mustChange: _, ...rest } = owner;
  return { ...rest, scopes: token.scopes, tokenId: token.id, tokenExpires: token.expires };
}

export function identifySession(
  directory: Pick<Directory, 'lookups' | 'notes'>,
  secret: string,
  address: string,
  clock: Clock,
  isUse = true,
): Principal | undefined {
  const now = clock.now();
  const session = directory.lookups.identities.session(secretDigest(secret), now);
  const owner = session && identifyOwner(directory, session.owner, address, now);
  if (session === undefined || owner === undefined) return undefined;
  if (isUse) directory.notes.keyUsed({ kind: 'session', id: session.id, time: now, address });
  return { ...owner, sessionId: session.id };
}

export function identifyOwner(
  { lookups }: Pick<Directory, 'lookups'>,
  owner: Owner,
  address: string,
  now: number,
): Principal | undefined {
  if (owner.kind === 'mailbox') {
    const mailbox = lookups.mailboxById(owner.id);
    if (!mailbox?.enabled) return undefined;
    const { mustChange, passwordExpires } = lookups.loginRules.of(owner.id);
    const isOver = mustChange || (passwordExpires !== 0 && passwordExpires <= now);
    return { role: 'user', login: mailbox.address, owner, address, ...(isOver ? { mustChange: true } : {}) };
  }
  const admin = lookups.identities.adminById(owner.id);
  if (!admin?.isActive) return undefined;
  const mustChange = admin.mustChange ? { mustChange: true } : {};
  return { role: admin.role, login: admin.login, owner, address, ...mustChange };
}
