// Can anything of a recipient be delivered? Refused at RCPT, so that no notice has to be sent, is what leads only to
// mailboxes without room, mailboxes that are switched off, and lists that the sender may not write to; so is mail that is
// addressed to an alias which the sender may not write to. Mail that leads only to mailboxes in maintenance is put off with the administrator's reason; from who has logged in it is taken and waits in
// the queue, since a mail client would bother its user with a 450.

import { listTransport } from '../directory/list-lookups.ts';
import type { Decision } from '../routing/decision.ts';
import type { Client, Delivery, Reply } from '../routing/types.ts';
import type { PostingSource } from './posting-source.ts';
import type { QuotaSource } from './quota-source.ts';

export interface DeliverableOptions {
  readonly quota: QuotaSource | undefined;
  readonly posting: PostingSource | undefined;
  /** posthaste_quota_full_tempfail. */
  readonly isFullTemporary: boolean;
}

interface Asked {
  readonly sender?: string;
  /** The recipient in standard form, external. */
  readonly address?: string;
  readonly client: Client;
  readonly size?: number;
}

/** Why nothing comes of one delivery: a word, or a list's own text. */
type Obstacle = 'full' | 'disabled' | { readonly posting: string } | { readonly maintenance: string };

export class Deliverable {
  readonly #options: DeliverableOptions;

  constructor(options: DeliverableOptions) {
    this.#options = options;
  }

  /** Rejects with TemporaryError. Only when nothing could be delivered: an alias with other targets goes on without the full one. */
  async refusal(
    decision: Decision,
    deliveries: readonly Delivery[],
    recipient: string,
    { sender = '', address = recipient, client, size = 0 }: Asked,
  ): Promise<Reply | undefined> {
    const { quota, posting, isFullTemporary } = this.#options;
    if (quota === undefined && posting === undefined) return undefined;
    const fresh = quota?.fresh?.(decision);
    if (fresh !== undefined) await fresh;
    const rejected = `<${recipient}>: Recipient address rejected:`;
    const waits = client.login !== undefined;
    const domainReason = waits ? '' : (quota?.maintenance?.(recipient) ?? '');
    if (domainReason !== '') return inMaintenance(rejected, domainReason);
    const denied = posting?.aliasRefusal?.(address, sender);
    if (denied !== undefined) {
      if (decision.isTracing) decision.tell('alias', denied);
      return { code: 550, status: '5.7.1', text: `${rejected} ${denied}` };
    }
    const obstacles: (Obstacle | undefined)[] = [];
    for (const delivery of deliveries) {
      if (!delivery.isCopy) obstacles.push(this.#obstacle(decision, delivery, sender, size));
    }
    if (obstacles.includes(undefined)) return undefined;
    for (const obstacle of obstacles) {
      if (typeof obstacle !== 'object' || !('maintenance' in obstacle)) continue;
      return waits ? undefined : inMaintenance(rejected, obstacle.maintenance);
    }
    if (obstacles.includes('full')) {
      const text = `${rejected} Mailbox is full`;
      return isFullTemporary ? { code: 452, status: '4.2.2', text } : { code: 552, status: '5.2.2', text };
    }
    for (const obstacle of obstacles) {
      if (typeof obstacle !== 'object' || !('posting' in obstacle)) continue;
      return { code: 550, status: '5.7.1', text: `${rejected} ${obstacle.posting}` };
    }
    return { code: 550, status: '5.2.1', text: `${rejected} Mailbox is disabled` };
  }

  #obstacle(
    decision: Decision,
    { transport, recipient }: Delivery,
    sender: string,
    size: number,
  ): Obstacle | undefined {
    const { quota, posting } = this.#options;
    if (transport === listTransport) {
      const refusal = posting?.refusal(recipient, sender);
      if (decision.isTracing) decision.tell('list', refusal ?? `${recipient}: <${sender}> may write`);
      return refusal === undefined ? undefined : { posting: refusal };
    }
    if (transport !== 'mailstore' || quota === undefined) return undefined;
    const answer = quota.check(recipient, size);
    const shown = typeof answer === 'string' ? answer : `in maintenance: ${answer.maintenance}`;
    if (decision.isTracing) decision.tell('quota', `${recipient}: ${shown}`);
    return answer === 'ok' ? undefined : answer;
  }
}

function inMaintenance(rejected: string, reason: string): Reply {
  return { code: 450, status: '4.2.1', text: `${rejected} In maintenance: ${reason}` };
}
