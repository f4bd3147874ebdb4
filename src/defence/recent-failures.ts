// The last failed logins, for people who look: the same account from the same address by the same protocol is one entry with
// a count. Only in memory, and only so many.

import type { Clock } from '../lib/clock.ts';

export interface FailedLogin {
  /** As it was given: a stranger's text. */
  readonly account: string;
  readonly address: string;
  readonly protocol: string;
  /** Milliseconds since 1970. */
  readonly first: number;
  readonly last: number;
  readonly times: number;
}

const maxEntries = 500;

export class RecentFailures {
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #entries = new Map<string, FailedLogin>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(account: string, address: string, protocol: string): void {
    const key = `${protocol} ${address} ${account}`;
    const now = this.#clock.now();
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    const { first, times } = known ?? { first: now, times: 0 };
    this.#entries.set(key, { account, address, protocol, first, last: now, times: times + 1 });
    if (this.#entries.size > maxEntries) this.#entries.delete(this.#entries.keys().next().value ?? '');
  }

  /** The newest first. */
  list(): FailedLogin[] {
    return [...this.#entries.values()].reverse();
  }
}
