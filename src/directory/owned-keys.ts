// What goes with somebody who can log in: tokens, sessions, second factors, and what is known of logins.

import type { OwnerKind } from './administration-schema.ts';
import type { Change } from './change.ts';

export async function removeOwned(change: Change, kind: OwnerKind, id: number): Promise<void> {
  for (const table of ['api_token', 'web_session', 'totp', 'recovery_code', 'passkey', 'recent_login'] as const) {
    await change.db.deleteFrom(table).where('owner_kind', '=', kind).where('owner_id', '=', id).execute();
  }
}
