// verify(8): is an address deliverable? Answers from the cache while they are young, else asks (prober.ts), and keeps what
// others have said.
//
// Which answers hold (ADDRESS_VERIFICATION_README):
//   - "deliverable" until positive_expire_time; after positive_refresh_time it is asked again in the background, and a
//     failure then does not take it back before it expires;
//   - a refusal until negative_expire_time, asked again after negative_refresh_time. Unlike Postfix, a refusal is asked
//     again before it is repeated to a client (posthaste_address_verify_recheck): else an address that was added at the
//     primary server stays refused for hours. Only while that server does not answer in time does the old refusal stand;
//   - none that came by another way than mail would take now: routing is part of the answer. What this server knows
//     itself (its own mailboxes, tables and aliases) is never kept at all.
// A start or a reload forgets all refusals: a change of the configuration counts at once.
//
// A question that is under way is not asked twice, however many clients wait for it.

import { fold } from '../address/form.ts';
import type { Clock } from '../lib/clock.ts';
import type { RecipientOutcome } from './delivery-agent.ts';
import type { Prober, ProbeRoute } from './prober.ts';
import type { VerifyCache, VerifyEntry } from './verify-cache.ts';

export interface VerifyTimes {
  readonly positiveExpireSeconds: number;
  readonly positiveRefreshSeconds: number;
  readonly negativeExpireSeconds: number;
  readonly negativeRefreshSeconds: number;
  /** address_verify_negative_cache. */
  readonly keepsRefusals: boolean;
  /** posthaste_address_verify_recheck. */
  readonly rechecksRefusals: boolean;
}

/** What is known of an address. `unknown`: no answer yet; `deferred`: it could not be found out for now. */
export interface VerifiedAddress {
  readonly status: 'deliverable' | 'undeliverable' | 'deferred' | 'unknown';
  readonly text: string;
}

export interface VerifierOptions {
  readonly clock: Clock;
  readonly cache: VerifyCache;
  readonly prober: Prober;
  readonly times: () => VerifyTimes;
}

/** setInterval takes no longer one. */
const maxTimerMilliseconds = 2 ** 31 - 1;

const inProgress: VerifiedAddress = { status: 'unknown', text: 'Address verification in progress' };
/** Our own answers come at once; nobody need be told to come again for them. */
const leastPatienceMilliseconds = 100;

export class Verifier {
  readonly #options: VerifierOptions;
  #timer: NodeJS.Timeout | undefined;
  readonly #asking = new Map<string, Promise<VerifiedAddress>>();

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /** The address in external standard form. Never throws TemporaryError. */
  async verify(address: string, patienceMilliseconds: number): Promise<VerifiedAddress> {
    let route: ProbeRoute;
    try {
      route = await this.#options.prober.route(address);
    } catch (error) {
      // A table that fails, as everything that cannot be found out, is no refusal.
      return { status: 'deferred', text: error instanceof Error ? error.message : 'lookup failure' };
    }
    const key = fold(address);
    const known = route.isOurs ? undefined : this.#known(key, route);
    if (known?.status === 'deliverable') {
      if (this.#ageOf(known) > this.#options.times().positiveRefreshSeconds * 1000) void this.#ask(key, route);
      return known;
    }
    if (known !== undefined && this.#isFresh(known)) return known;
    const patience = Math.max(patienceMilliseconds, leastPatienceMilliseconds);
    return await within(this.#ask(key, route), patience, known ?? inProgress);
  }

  /** Removes what has expired, now and then; 0: never. */
  start(cleanUpSeconds: number): void {
    if (cleanUpSeconds === 0) return;
    this.#timer = setInterval(() => this.cleanUp(), Math.min(cleanUpSeconds * 1000, maxTimerMilliseconds));
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#options.prober.close();
    await Promise.all(this.#asking.values());
    this.#options.cache.close();
  }

  /** After a reload. */
  forgetRefusals(): void {
    this.#options.cache.forgetRefusals();
    this.#options.prober.reviveAll();
  }

  cleanUp(): void {
    const { positiveExpireSeconds, negativeExpireSeconds } = this.#options.times();
    const now = this.#options.clock.now();
    this.#options.cache.cleanUp(now - positiveExpireSeconds * 1000, now - negativeExpireSeconds * 1000);
  }

  #known(key: string, route: ProbeRoute): VerifyEntry | undefined {
    const entry = this.#options.cache.get(key);
    if (entry === undefined || entry.route !== keptRoute(route)) return undefined;
    const { positiveExpireSeconds, negativeExpireSeconds } = this.#options.times();
    const lifetime = entry.status === 'deliverable' ? positiveExpireSeconds : negativeExpireSeconds;
    return this.#ageOf(entry) > lifetime * 1000 ? undefined : entry;
  }

  /** A refusal that may be repeated without asking. */
  #isFresh(entry: VerifyEntry): boolean {
    const { rechecksRefusals, negativeRefreshSeconds } = this.#options.times();
    return !rechecksRefusals && this.#ageOf(entry) <= negativeRefreshSeconds * 1000;
  }

  #ageOf({ updated }: VerifyEntry): number {
    return this.#options.clock.now() - updated;
  }

  #ask(key: string, route: ProbeRoute): Promise<VerifiedAddress> {
    const question = `${key} ${route.key}`;
    let asking = this.#asking.get(question);
    if (asking === undefined) {
      asking = this.#options.prober
        .probe(route)
        .then((outcome) => this.#learn(key, route, outcome))
        .finally(() => this.#asking.delete(question));
      this.#asking.set(question, asking);
    }
    return asking;
  }

  #learn(key: string, route: ProbeRoute, { kind, reason }: RecipientOutcome): VerifiedAddress {
    const { cache, clock, times } = this.#options;
    const status = kind === 'delivered' ? 'deliverable' : kind === 'bounced' ? 'undeliverable' : 'deferred';
    const learned: VerifiedAddress = { status, text: reason };
    // Doubt is nothing to remember: the next client has it asked again.
    if (route.isOurs || status === 'deferred') return learned;
    const known = this.#known(key, route);
    if (status === 'undeliverable' && known?.status === 'deliverable') return known;
    const isKept = status === 'deliverable' || times().keepsRefusals;
    if (isKept) cache.put(key, { status, text: reason, updated: clock.now(), route: keptRoute(route) });
    else cache.remove(key);
    return learned;
  }
}

const maxRoute = 500;

function keptRoute({ key }: ProbeRoute): string {
  return key.slice(0, maxRoute);
}

async function within(
  answer: Promise<VerifiedAddress>,
  milliseconds: number,
  otherwise: VerifiedAddress,
): Promise<VerifiedAddress> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<VerifiedAddress>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), milliseconds);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
