// Who may not log in for now: an address, a network, an account, or an account from one network. Each further
// lock-out of the same within a day lasts twice as long, a day at most. Kept over a restart, listed and lifted by
// `posthaste lockout`.

import type { Clock } from '../lib/clock.ts';
import { RecentMap } from '../lib/recent-map.ts';
import type { KeptEntries } from './defence-store.ts';

export type LockoutKind = 'address' | 'network' | 'account' | 'account-network';

export interface Lockout {
  readonly kind: LockoutKind;
  /** An address, a network, an account, or `account from network`. */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly until: number;
  /** How many there have been within a day of each other. */
  readonly times: number;
}

const dayMilliseconds = 86_400_000;
/** Of more subjects than this, the oldest go free. */
export const maxLockouts = 25_000;

export class Lockouts {
  readonly #clock: Clock;
  readonly #kept: KeptEntries<Lockout>;
  readonly #baseMilliseconds: () => number;
  readonly #current = new RecentMap<string, Lockout>(maxLockouts);

  constructor(clock: Clock, kept: KeptEntries<Lockout>, baseMilliseconds: () => number) {
    this.#clock = clock;
    this.#kept = kept;
    this.#baseMilliseconds = baseMilliseconds;
    for (const { key, value } of kept.entries()) this.#current.set(key, value);
  }

  /** Undefined where the subject is free. */
  find(kind: LockoutKind, subject: string): Lockout | undefined {
    const found = this.#current.get(`${kind} ${subject}`);
    return found !== undefined && found.until > this.#clock.now() ? found : undefined;
  }

  add(kind: LockoutKind, subject: string): Lockout {
    const key = `${kind} ${subject}`;
    const now = this.#clock.now();
    const last = this.#current.get(key);
    const times = last !== undefined && now - last.until < dayMilliseconds ? last.times + 1 : 1;
    const duration = Math.min(this.#baseMilliseconds() * 2 ** Math.min(times - 1, 20), dayMilliseconds);
    const lockout: Lockout = { kind, subject, since: now, until: now + duration, times };
    this.#current.set(key, lockout);
    // Kept for a day longer, to know that it is not the first.
    this.#kept.put(key, lockout, lockout.until + dayMilliseconds);
    return lockout;
  }

  list(): Lockout[] {
    const now = this.#clock.now();
    return [...this.#current.values()].filter(({ until }) => until > now);
  }

  /** Sets free what is named by its subject, by an account among it, or everything; returns how many. */
  remove(subject: string | undefined): Lockout[] {
    const wanted = subject?.toLowerCase();
    const lifted = this.list().filter(
      (lockout) => wanted === undefined || lockout.subject === wanted || lockout.subject.startsWith(`${wanted} from `),
    );
    for (const { kind, subject: locked } of lifted) {
      this.#current.delete(`${kind} ${locked}`);
      this.#kept.remove(`${kind} ${locked}`);
    }
    return lifted;
  }
}
