// The one row of change_state (database/server/change-notes.ts), as nodes read it.

import type { ServerSession, SqlResult } from '../../database/server/server-session.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { knownVersion } from '../database.ts';
import type { Position } from './replica-file.ts';

export interface ServerState extends Position {
  /** Changes up to this revision are no longer told one by one. */
  readonly pruned: number;
}

export const stateSql = 'SELECT "revision", "stamp", "pruned", "version", "status" FROM change_state WHERE "id" = 1';

export async function readState(session: ServerSession): Promise<ServerState> {
  return stateOf(await session.query(stateSql), session.host);
}

/** Throws TemporaryError where it is not for us to use now. */
export function stateOf({ rows }: SqlResult, host: string): ServerState {
  const [revision, stamp, pruned, version, status] = rows[0] ?? [];
  if (revision === undefined) throw new TemporaryError(`the directory on ${host} is being made`);
  if (version !== knownVersion) {
    throw new TemporaryError(
      `the directory on ${host} has schema ${version} and this version of Posthaste knows ${knownVersion}: ` +
        (Number(version) > knownVersion ? 'run the newer version here too' : 'run "posthaste start" once'),
    );
  }
  if (status !== '') {
    throw new TemporaryError(`the directory on ${host} is being filled: wait, or run "posthaste directory move" again`);
  }
  return { revision: Number(revision), stamp: Number(stamp), pruned: Number(pruned) };
}
