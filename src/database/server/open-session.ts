// Opens a session with whatever server an address names.

import { openMysqlSession } from '../mysql/open-session.ts';
import { openPostgresSession } from '../postgresql/open-session.ts';
import type { ServerAddress, ServerSession, SessionLimits } from './server-session.ts';

/**
 * A phone call's patience: a client of SMTP waits five minutes for an answer (RFC 5321 §4.5.3.2.3), a person for a few
 * seconds.
 */
export const usualSessionLimits: SessionLimits = { connectMilliseconds: 5000, queryMilliseconds: 10_000 };

export function openServerSession(
  address: ServerAddress,
  limits: SessionLimits = usualSessionLimits,
): Promise<ServerSession> {
  return address.dialect === 'postgresql' ? openPostgresSession(address, limits) : openMysqlSession(address, limits);
}
