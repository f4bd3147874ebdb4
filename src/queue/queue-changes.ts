// What an administrator does to queued mail (postsuper(1), postqueue(1), posthaste queue): delete, hold, release, requeue,
// expire, try now. Each change is durable when its promise resolves.
//
// Mail that is being sent at that moment: what of it has not begun is taken back from the scheduler first, what runs goes on,
// since nobody can tell what the other side has already taken. So a message that is deleted or held while it is being sent
// may still arrive at those recipients, as with Postfix; it is requeued or expired when that attempt has ended.
//
// Requeued recipients are routed again by the final address that the queue holds, not by the original one: of a list whose
// other members have their copy already, nobody gets a second one. Blind copies are not made again. Rows are replaced in
// one transaction, and only if they are still those that were read.

import { fold } from '../address/form.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { expiredByForce, type Mailstore, type QueueMessage, type QueueRecipient } from '../mailstore/types.ts';
import type { AddressHandling, Delivery } from '../routing/types.ts';
import { type FilterDefaults, throughFilter } from './content-filter.ts';
import { endOf } from './end-row.ts';
import { vacationTransport } from './plan.ts';
import type { RouteRecipient } from './submit.ts';

export type QueueChange = 'remove' | 'hold' | 'release' | 'requeue' | 'expire' | 'flush';

export interface QueueChangesOptions {
  readonly store: Pick<Mailstore, 'queueMessage' | 'queueUpdate' | 'requeue' | 'removeFromQueue'>;
  readonly scheduler: {
    withhold(ids: readonly string[]): void;
    whenInactive(id: string): Promise<void>;
    giveBack(ids: readonly string[], revives?: boolean): void;
  };
  readonly route: RouteRecipient;
  /** What the pickup service does to addresses: requeued mail comes in by it. */
  readonly handling: () => AddressHandling;
  /** content_filter of the pickup service, and its next hop by default; absent: none. */
  readonly filter?: { readonly target: () => string; readonly defaults: FilterDefaults };
  readonly clock: Clock;
  readonly log: Log;
  readonly syslogName: string;
}

/** Postfix's words for the log. */
const logWords: Partial<Record<QueueChange, string>> = {
  remove: 'removed',
  hold: 'placed on hold',
  release: 'released from hold',
  requeue: 'requeued',
  expire: 'expired',
};

export class QueueChanges {
  readonly #options: QueueChangesOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: QueueChangesOptions) {
    this.#options = options;
  }

  /** Returns the ids of those that were changed. One call after the other. */
  apply(change: QueueChange, ids: readonly string[]): Promise<string[]> {
    const result = this.#last.then(() => this.#apply(change, [...new Set(ids)]));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #apply(change: QueueChange, ids: readonly string[]): Promise<string[]> {
    const { store, scheduler } = this.#options;
    const messages = ids
      .flatMap((id) => store.queueMessage(id) ?? [])
      .filter((message) => isConcerned(change, message));
    const known = messages.map(({ id }) => id);
    if (known.length === 0) return [];
    if (change === 'flush') {
      await this.#schedule(known);
      scheduler.giveBack(known, true);
      return known;
    }
    scheduler.withhold(known);
    if (change === 'requeue') return await this.#requeueAll(known);
    try {
      await this.#change(change, known);
      for (const id of known) this.#tell(id, change);
      return known;
    } finally {
      scheduler.giveBack(known);
    }
  }

  async #change(change: QueueChange, ids: readonly string[]): Promise<void> {
    const { store, clock } = this.#options;
    if (change === 'remove') await store.removeFromQueue(ids);
    else if (change === 'expire') await this.#schedule(ids, expiredByForce);
    else {
      const update = change === 'hold' ? { hold: true } : { hold: false, nextAttempt: clock.now() };
      await Promise.all(ids.map((id) => store.queueUpdate({ id, recipients: [], ...update })));
    }
  }

  async #schedule(ids: readonly string[], nextAttempt = this.#options.clock.now()): Promise<void> {
    await Promise.all(ids.map((id) => this.#options.store.queueUpdate({ id, recipients: [], nextAttempt })));
  }

  /** Those that are being sent are done in the background. */
  async #requeueAll(ids: readonly string[]): Promise<string[]> {
    const running = new Set(ids);
    const waits = ids.map((id) => this.#options.scheduler.whenInactive(id).then(() => running.delete(id)));
    // Who is not active has left `running` when this turn is over.
    await new Promise(setImmediate);
    const later = new Set(running);
    const done: string[] = [];
    for (const [index, id] of ids.entries()) {
      if (later.has(id)) void waits[index]?.then(() => this.#requeue(id));
      if (later.has(id) || (await this.#requeue(id))) done.push(id);
    }
    return done;
  }

  async #requeue(id: string): Promise<boolean> {
    const { store, scheduler, clock } = this.#options;
    try {
      const message = store.queueMessage(id);
      if (message === undefined) return false;
      const recipients = await this.#rerouted(message);
      const replaced = message.recipients.map((recipient) => recipient.id);
      if (!(await store.requeue({ id, replaced, recipients, nextAttempt: clock.now() }))) return false;
      this.#tell(id, 'requeue');
      return true;
    } catch (error) {
      // A table that does not answer, or a full disk: it stays as it was.
      this.#warn(id, error);
      return false;
    } finally {
      scheduler.giveBack([id], true);
    }
  }

  /** The new rows. Two recipients that are one by now become one. Throws TemporaryError. */
  async #rerouted({ sender, recipients }: QueueMessage): Promise<Omit<QueueRecipient, 'id'>[]> {
    const handling = this.#options.handling() === 'unmapped' ? 'unmapped' : 'internal';
    const rows = new Map<string, Omit<QueueRecipient, 'id'>>();
    for (const { original, recipient, transport: given, nexthop: end, notify, orcpt } of recipients) {
      if (isFixed(given, end)) {
        const row = { original, recipient, transport: given, nexthop: end, notify, orcpt };
        rows.set(`${given} ${end}`, { ...row, state: 'pending', status: '', reason: '' });
        continue;
      }
      const deliveries = this.#filtered(await this.#options.route(recipient, sender, handling));
      const targets: readonly Pick<Delivery, 'recipient' | 'transport' | 'nexthop'>[] =
        deliveries.length > 0 ? deliveries : [{ recipient, transport: 'error', nexthop: '5.1.1 User unknown' }];
      for (const target of targets) {
        const { transport, nexthop } = target;
        const row = { original, recipient: target.recipient, transport, nexthop, notify, orcpt };
        const key = fold([orcpt, notify, original, target.recipient].join('\n'));
        if (!rows.has(key)) rows.set(key, { ...row, state: 'pending', status: '', reason: '' });
      }
    }
    return [...rows.values()];
  }

  /** Requeued mail passes the filter that mail from pickup passes (postsuper(1)). */
  #filtered(deliveries: readonly Delivery[]): readonly Delivery[] {
    const { filter } = this.#options;
    const target = filter?.target() ?? '';
    if (filter === undefined || target === '') return deliveries;
    return deliveries.map((delivery) => throughFilter(delivery, target, filter.defaults));
  }

  #tell(id: string, change: QueueChange): void {
    const { log, syslogName } = this.#options;
    log.write(`${syslogName}/postsuper`, 'info', `${id}: ${logWords[change]}`);
  }

  #warn(id: string, error: unknown): void {
    const { log, syslogName } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    log.write(`${syslogName}/postsuper`, 'warning', `${id}: not requeued: ${reason}`);
  }
}

/** One of several ends of an address, or what is left to do after its delivery: the address would bring the others again. */
function isFixed(transport: string, nexthop: string): boolean {
  return transport === vacationTransport || endOf(nexthop) !== undefined;
}

/** What is so already is not counted, as postsuper(1) does not. */
function isConcerned(change: QueueChange, { hold, nextAttempt }: QueueMessage): boolean {
  if (change === 'hold') return !hold;
  if (change === 'release') return hold;
  if (change === 'expire') return nextAttempt !== expiredByForce;
  return change !== 'flush' || !hold;
}
