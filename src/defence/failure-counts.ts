// How often somebody has failed lately: one count a key, which leaks away over the period. The memory is flat
// whatever comes: keys that have failed once and keys that have failed again are kept apart, each set bounded, the least
// recent going first. So a million addresses with a try each push out each other, not the few that keep trying.

import type { Clock } from '../lib/clock.ts';
import { RecentMap } from '../lib/recent-map.ts';

interface Count {
  value: number;
  /** Monotonic milliseconds. */
  at: number;
}

export interface FailureCountsOptions {
  readonly clock: Clock;
  /** Failures within the period that are too many; 0: none are. */
  readonly limit: number;
  readonly periodMilliseconds: number;
  /** Of each of the two sets, twice over at most (lib/recent-map.ts). */
  readonly maxEntries?: number;
}

const usualMaxEntries = 25_000;

export class FailureCounts {
  readonly limit: number;
  readonly #options: FailureCountsOptions;
  readonly #once: RecentMap<string, Count>;
  readonly #again: RecentMap<string, Count>;

  constructor(options: FailureCountsOptions) {
    this.#options = options;
    this.limit = options.limit;
    this.#once = new RecentMap(options.maxEntries ?? usualMaxEntries);
    this.#again = new RecentMap(options.maxEntries ?? usualMaxEntries);
  }

  get size(): number {
    return this.#once.size + this.#again.size;
  }

  /** What is left of earlier failures. */
  value(key: string): number {
    const count = this.#again.get(key) ?? this.#once.get(key);
    return count === undefined ? 0 : this.#leaked(count, this.#options.clock.monotonic());
  }

  /** Counts a failure; true when that is one too many. Then the count begins anew: a lock-out follows. */
  add(key: string): boolean {
    if (this.limit === 0) return false;
    const now = this.#options.clock.monotonic();
    const known = this.#again.get(key) ?? this.#once.get(key);
    const value = (known === undefined ? 0 : this.#leaked(known, now)) + 1;
    this.forget(key);
    // What has leaked away since a moment ago is no failure less.
    if (value > this.limit - 0.5) return true;
    (known === undefined ? this.#once : this.#again).set(key, { value, at: now });
    return false;
  }

  forget(key: string): void {
    this.#once.delete(key);
    this.#again.delete(key);
  }

  #leaked({ value, at }: Count, now: number): number {
    return Math.max(0, value - ((now - at) * this.limit) / this.#options.periodMilliseconds);
  }
}
