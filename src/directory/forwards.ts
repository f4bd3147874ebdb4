// Where the owner of a mailbox has its mail sent on to, and whether a copy stays. virtual-alias.ts gives it out as what
// virtual(5) knows: the mailbox's address stands for its targets, with itself among them where a copy stays. So the
// rules for aliases hold. A forward gives nobody the right to send as the mailbox (sender-logins.ts): its owner could
// otherwise pass on what was given to one person.

import type { Change } from './change.ts';
import { refuseLoops } from './expansion.ts';
import { type ForwardInfo, parseForwards, writeForward } from './forward-rows.ts';
import { leadsBackByList } from './list-loops.ts';
import { addressKey, type MailAddress } from './mail-address.ts';
import { refuse } from './refusal.ts';
import type { ForwardMode } from './schema.ts';

/** As a change gives it: what is absent stays; a new forward keeps a copy. */
export interface ForwardSettings {
  readonly mode?: ForwardMode;
  /** They replace what was there. */
  readonly to?: readonly string[];
}

/** `address` is the mailbox's own. Refuses what would go round in a circle. */
export async function changeForward(
  change: Change,
  mailbox: { readonly id: number; readonly address: MailAddress },
  before: ForwardInfo | undefined,
  settings: ForwardSettings | null,
): Promise<void> {
  const next = changedForward(before, settings);
  await writeForward(change.db, mailbox.id, next);
  if (next !== undefined) refuseBadForward(change, mailbox, next);
}

function changedForward(before: ForwardInfo | undefined, settings: ForwardSettings | null): ForwardInfo | undefined {
  if (settings === null || settings.mode === 'keep') {
    if (settings?.to !== undefined) refuse('mail that is kept is not forwarded: leave the addresses or "keep" out');
    return undefined;
  }
  const to = settings.to ?? before?.to ?? [];
  if (to.length === 0) refuse('a forward needs an address: give --forward ADDRESS');
  return { mode: settings.mode ?? before?.mode ?? 'both', to };
}

/** Once it is written. Also for a mailbox that has got another address. */
export function refuseBadForward(
  { lookups }: Change,
  { id, address }: { readonly id: number; readonly address: MailAddress },
  { to }: ForwardInfo,
): void {
  const key = addressKey(address);
  const hosted = lookups.domain(address.domain);
  if (hosted !== undefined && lookups.aliasAt(address.localpart, hosted) !== undefined) {
    refuse(`${key} is also an alias, which says where its mail goes: posthaste alias set ${key} TARGET\u2026`);
  }
  for (const target of parseForwards(to)) {
    if (lookups.mailboxByAddress(addressKey(target))?.id === id) {
      refuse(`${key} cannot be forwarded to itself: to keep a copy give --forward-mode both`);
    }
    if (leadsBackByList(lookups, addressKey(target), key)) {
      refuse(`${target.shown} leads back to ${key}: its mail would go round in a circle`);
    }
  }
  refuseLoops(lookups, [key]);
}
