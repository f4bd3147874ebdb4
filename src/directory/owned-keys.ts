// What goes with somebody who can log in: tokens, sessions, second factors, and what is known of logins.

import type { OwnerKind } from './administration-schema.ts';
import { type Owner, removeTokensOf } from './api-tokens.ts';
import type { Change } from './change.ts';
import { removePasskeysOf } from './second-factors.ts';

/**
 * Of somebody whose password somebody else has set, or a mailed link: what opens the account without the password, since
 * whoever had that may have made it. Codes of an app stay: they open nothing, and are the owner's to switch off.
 */
export async function removeKeysOf(change: Change, owner: Owner): Promise<void> {
  await removeTokensOf(change, owner);
  await removePasskeysOf(change, owner);
}

export async function removeOwned(change: Change, kind: OwnerKind, id: number): Promise<void> {
  for (const table of ['api_token', 'web_session', 'totp', 'recovery_code', 'passkey', 'recent_login'] as const) {
    await change.db.deleteFrom(table).where('owner_kind', '=', kind).where('owner_id', '=', id).execute();
  }
}
