// How much room the limits of domains leave for what is added at once: asked once for each domain, and counted down with
// each object, so that the first that does not fit is refused and those behind it that do are taken.

import type { Change } from './change.ts';
import {
  countAliases,
  countMailboxes,
  type LimitedDomain,
  refuseLargeQuota,
  refuseOneMoreAlias,
  refuseOneMoreMailbox,
  refuseQuotaBeyondTotal,
  sumQuotas,
} from './domain-limits.ts';

export interface BulkRules {
  /**
   * Domains keep to their limits, as where things are added one by one. Without: what comes from another system, with the
   * limits that it had itself, is taken whole, and what is beyond them is told (Domains.excesses, and as a finding).
   */
  readonly keepsLimits?: boolean;
}

interface Held {
  mailboxes: number;
  aliases: number;
  quotas: number;
}

export class BulkRoom {
  readonly #held: ReadonlyMap<number, Held>;

  private constructor(held: ReadonlyMap<number, Held>) {
    this.#held = held;
  }

  static async read(
    { db }: Change,
    domains: Iterable<LimitedDomain>,
    { keepsLimits = false }: BulkRules,
  ): Promise<BulkRoom> {
    const held = new Map<number, Held>();
    for (const { id, max_mailboxes, max_aliases, total_quota, max_quota } of keepsLimits ? domains : []) {
      if (held.has(id) || max_mailboxes + max_aliases + total_quota + max_quota === 0) continue;
      held.set(id, {
        mailboxes: max_mailboxes === 0 ? 0 : await countMailboxes(db, id),
        aliases: max_aliases === 0 ? 0 : await countAliases(db, id),
        quotas: total_quota === 0 ? 0 : (await sumQuotas(db, id)).sum,
      });
    }
    return new BulkRoom(held);
  }

  /** Refuses a mailbox that does not fit; otherwise it is counted. */
  takeMailbox(domain: LimitedDomain, quota: number): void {
    const held = this.#held.get(domain.id);
    if (held === undefined) return;
    refuseOneMoreMailbox(domain, held.mailboxes);
    refuseLargeQuota(domain, quota);
    refuseQuotaBeyondTotal(domain, quota, held.quotas);
    held.mailboxes++;
    held.quotas += quota;
  }

  /** As takeMailbox. */
  takeAlias(domain: LimitedDomain): void {
    const held = this.#held.get(domain.id);
    if (held === undefined) return;
    refuseOneMoreAlias(domain, held.aliases);
    held.aliases++;
  }
}
