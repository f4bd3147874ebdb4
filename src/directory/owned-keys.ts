// What goes with somebody who can log in: tokens, sessions, and second factors.

import type { OwnerKind } from './administration-schema.ts';
import type { Change } from './change.ts';

export async function removeOwned(change: Change, kind: OwnerKind, id: number): Promise<void> {
  for (const table of ['api_token', 'web_session', 'totp', 'recovery_code', 'passkey'] as const) {
    await change.db.deleteFrom(table).where('owner_kind', '=', kind).where('owner_id', '=', id).execute();
  }
}
