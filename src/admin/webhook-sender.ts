// Tells webhooks what has happened: looks every second whether the directory has changed or deliveries have been noted, and
// sends each webhook what its owner may see, in order, a request at a time. What fails is tried again later
// (directory/webhooks.ts). Mail does not wait: deliveries are noted in memory, and written together.

import type { Directory } from '../directory/directory.ts';
import type { DueWebhook } from '../directory/webhooks.ts';
import type { Clock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import { outcomeOf } from '../trace/story.ts';
import { identifyOwner } from './identify.ts';
import { seesEvent, shownEvent } from './operations/history.ts';
import { type Principal, Sight } from './principal.ts';
import { sendWebhook } from './webhook-request.ts';

export interface WebhookSenderParts {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly log: ProgramLog;
  readonly version: string;
  readonly mayBePrivate: () => boolean;
}

const lookMilliseconds = 1000;
const eventsAtOnce = 100;
const maxNoted = 5000;
/** Longer than a request may take: whoever has died in one does not keep the others from it for long. */
const claimMilliseconds = 15_000;
/** Requests under way at a time. */
const maxSending = 8;

export class WebhookSender {
  readonly #parts: WebhookSenderParts;
  readonly #timer: NodeJS.Timeout;
  readonly #sending = new Map<number, Promise<void>>();
  #noted: { readonly type: string; readonly text: string; readonly time: number }[] = [];
  /** Somebody wants to hear of deliveries: otherwise nothing is noted. */
  #wantsDeliveries = false;
  #looking: Promise<void> | undefined;
  #isOver = false;

  constructor(parts: WebhookSenderParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.look(), lookMilliseconds).unref();
  }

  /** A line of the log, as it is written. */
  logged(text: string): void {
    if (!this.#wantsDeliveries || !text.includes(', status=') || this.#noted.length >= maxNoted) return;
    this.#noted.push({ type: 'delivery', text, time: this.#parts.clock.now() });
  }

  look(): void {
    if (this.#isOver) return;
    this.#looking ??= this.#look()
      .catch((error: unknown) => this.#parts.log.warning(`webhooks: ${String(error)}`))
      .finally(() => {
        this.#looking = undefined;
      });
  }

  async close(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#timer);
    await this.#looking;
    await this.#enqueue(await this.#parts.directory.webhooks.due(Number.MAX_SAFE_INTEGER)).catch(() => undefined);
    await Promise.all(this.#sending.values());
  }

  async #look(): Promise<void> {
    const { directory, clock } = this.#parts;
    const all = await directory.webhooks.due(Number.MAX_SAFE_INTEGER);
    this.#wantsDeliveries = all.some(({ events }) => wantsDeliveries(events));
    if (all.length === 0) return;
    await this.#enqueue(all);
    const now = clock.now();
    for (const webhook of all) {
      if ((webhook.nextAttempt ?? 0) > now || this.#sending.has(webhook.id) || this.#sending.size >= maxSending)
        continue;
      const work = this.#tell(webhook)
        .catch((error: unknown) => this.#parts.log.warning(`webhook ${titleOf(webhook)}: ${String(error)}`))
        .finally(() => this.#sending.delete(webhook.id));
      this.#sending.set(webhook.id, work);
    }
  }

  async #enqueue(webhooks: readonly DueWebhook[]): Promise<void> {
    const noted = this.#noted;
    if (noted.length === 0) return;
    this.#noted = [];
    const messages: { webhook: number; body: string }[] = [];
    for (const webhook of webhooks.filter(({ events }) => wantsDeliveries(events))) {
      const sight = this.#sightOf(webhook);
      if (sight === undefined) continue;
      for (const { text, time } of noted) {
        const outcome = outcomeOf(text);
        if (outcome === undefined || !wants(webhook.events, `delivery.${outcome.state}`)) continue;
        const { recipient, original = recipient } = outcome;
        const isSeen = sight.address(recipient) || sight.seesAll;
        if (!isSeen && !sight.address(original)) continue;
        const { queueId, state, relay, delaySeconds, status, reason } = outcome;
        // By which address elsewhere it came is not his to know.
        const by = sight.mayName(original) ? { original } : {};
        const rest = { recipient, ...by, relay, delaySeconds, status, reason };
        // Where an address of his leads elsewhere, that is not his to see.
        const told = isSeen || sight.mayName(recipient) ? rest : { recipient: original };
        messages.push({
          webhook: webhook.id,
          body: JSON.stringify({ type: `delivery.${state}`, time, queueId, ...told }),
        });
      }
    }
    if (messages.length === 0) return;
    try {
      await this.#parts.directory.webhooks.enqueue(messages);
    } catch (error) {
      // It cannot be written now: they wait with those that come, as long as there is room.
      this.#noted = [...noted, ...this.#noted].slice(0, maxNoted);
      throw error;
    }
  }

  /** Undefined: whose it was is gone or switched off. */
  #sightOf({ ownerId }: DueWebhook): Sight | undefined {
    const { directory, clock } = this.#parts;
    const host: Principal = { role: 'host', login: '', address: '' };
    const owner = ownerId === 0 ? host : identifyOwner(directory, { kind: 'admin', id: ownerId }, '', clock.now());
    return owner && new Sight(owner, directory.lookups);
  }

  async #tell(webhook: DueWebhook): Promise<void> {
    const { directory, clock, log, version, mayBePrivate } = this.#parts;
    const sight = this.#sightOf(webhook);
    if (sight === undefined) return;
    const found = await directory.events({ after: webhook.position, limit: eventsAtOnce });
    const position = found.at(-1)?.id ?? webhook.position;
    const changes = found
      .filter((event) => wants(webhook.events, event.action) && seesEvent(event, sight))
      .map((event) => ({ type: event.action, ...shownEvent(event, sight) }));
    const hasWaiting = (await directory.webhooks.waiting(webhook.id, 1)).length > 0;
    if (!hasWaiting && position === webhook.position) return;
    // Every node that shares the directory looks for what is due.
    if (!(await directory.webhooks.claim(webhook, clock.now() + claimMilliseconds))) return;
    // Only now: another may have told what waited a moment ago.
    const waiting = await directory.webhooks.waiting(webhook.id, eventsAtOnce);
    const ids = waiting.map(({ id }) => id);
    const events = [...changes, ...waiting.map(({ body }) => JSON.parse(body) as object)];
    if (events.length === 0) {
      await directory.webhooks.arrived(webhook.id, position, []);
      return;
    }
    const { url, secret, name } = webhook;
    const body = JSON.stringify({ webhook: name, events });
    const problem = await sendWebhook({ url, secret, body, mayBePrivate: mayBePrivate(), now: clock.now(), version });
    if (problem === undefined) {
      await directory.webhooks.arrived(webhook.id, position, ids);
      return;
    }
    if (webhook.attempts === 0) log.warning(`webhook ${titleOf(webhook)}: ${problem}; it is tried again`);
    if (!(await directory.webhooks.failed(webhook, problem)))
      log.error(`webhook ${titleOf(webhook)}: switched off: ${problem}`);
  }
}

function titleOf({ name, owner }: DueWebhook): string {
  return owner === undefined ? name : `${name} of ${owner}`;
}

/** `mailbox.*` and `mailbox` are all of the area. */
export function wants(events: readonly string[], type: string): boolean {
  if (events.length === 0) return true;
  const area = type.slice(0, type.indexOf('.'));
  return events.some((one) => one === type || one === area || one === `${area}.*` || one === '*');
}

function wantsDeliveries(events: readonly string[]): boolean {
  return events.length === 0 || events.some((one) => one === '*' || one.startsWith('delivery'));
}
