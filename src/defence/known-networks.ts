// From which networks each account has logged in before: an attack on the account from elsewhere does not lock its
// owner out. Only right passwords write here, so strangers cannot fill it.

import type { Clock } from '../lib/clock.ts';
import { RecentMap } from '../lib/recent-map.ts';
import type { KeptEntries } from './defence-store.ts';

/** Network to when it was seen last (milliseconds since 1970). */
export type NetworksOfAccount = Readonly<Record<string, number>>;

const keepMilliseconds = 60 * 86_400_000;
/** A traveller's phone sees many. */
const maxNetworks = 24;
/** What is kept is brought up to date once in so long, so that a client that logs in each second writes nothing. */
const refreshMilliseconds = 86_400_000;
const maxCached = 10_000;

export class KnownNetworks {
  readonly #clock: Clock;
  readonly #kept: KeptEntries<NetworksOfAccount>;
  readonly #cache = new RecentMap<string, NetworksOfAccount>(maxCached);

  constructor(clock: Clock, kept: KeptEntries<NetworksOfAccount>) {
    this.#clock = clock;
    this.#kept = kept;
  }

  has(account: string, network: string): boolean {
    const seen = this.#of(account)[network];
    return seen !== undefined && this.#clock.now() - seen < keepMilliseconds;
  }

  /** The account has logged in from there. */
  add(account: string, network: string): void {
    const now = this.#clock.now();
    const known = this.#of(account);
    if (now - (known[network] ?? Number.NEGATIVE_INFINITY) < refreshMilliseconds) return;
    const newest = Object.entries({ ...known, [network]: now })
      .filter(([, seen]) => now - seen < keepMilliseconds)
      .sort(([, one], [, other]) => other - one)
      .slice(0, maxNetworks);
    const networks = Object.fromEntries(newest);
    this.#kept.put(account, networks, now + keepMilliseconds);
    this.#cache.set(account, networks);
  }

  #of(account: string): NetworksOfAccount {
    const cached = this.#cache.get(account);
    if (cached !== undefined) return cached;
    const networks = this.#kept.get(account) ?? {};
    this.#cache.set(account, networks);
    return networks;
  }
}
