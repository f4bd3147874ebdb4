// Slows down guessing: a denied login is answered late, and later with each further failure for the same client
// and account. The wait also hides how long the check took, which would tell whether the account exists.
// The memory is bounded: the client that has failed least recently is forgotten first.

import type { Clock } from '../lib/clock.ts';
import { RecentMap } from '../lib/recent-map.ts';

export interface FailureDelayOptions {
  /** The first failure waits this long (Dovecot's auth_failure_delay); each further one twice as long. */
  readonly firstMilliseconds: number;
  readonly maxMilliseconds: number;
  readonly maxEntries: number;
}

export const usualFailureDelay: FailureDelayOptions = {
  firstMilliseconds: 2000,
  maxMilliseconds: 15_000,
  maxEntries: 50_000,
};

/** Where somebody else makes the caller wait (defence/login-guard.ts). */
export const noFailureDelay: FailureDelayOptions = { ...usualFailureDelay, firstMilliseconds: 0 };

/** Failures further apart than this are somebody's typing errors. */
const forgetMilliseconds = 900_000;

export class FailureDelay {
  readonly #clock: Clock;
  readonly #options: FailureDelayOptions;
  readonly #failures: RecentMap<string, { count: number; last: number }>;

  constructor(clock: Clock, options: FailureDelayOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#failures = new RecentMap(Math.ceil(options.maxEntries / 2));
  }

  /** Counts a failure; returns how long its answer waits. */
  failed(remoteAddress: string, login: string): number {
    const name = `${remoteAddress} ${login.slice(0, 320)}`;
    const now = this.#clock.monotonic();
    const known = this.#failures.get(name);
    const count = known && now - known.last < forgetMilliseconds ? known.count + 1 : 1;
    this.#failures.set(name, { count, last: now });
    return Math.min(this.#options.firstMilliseconds * 2 ** Math.min(count - 1, 20), this.#options.maxMilliseconds);
  }

  succeeded(remoteAddress: string, login: string): void {
    this.#failures.delete(`${remoteAddress} ${login.slice(0, 320)}`);
  }
}
