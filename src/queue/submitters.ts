// Who hands in mail by the maildrop folder, and how much at a time: each user has a bucket of messages that fills up again, so
// that one who hands in thousands waits, not the others. Nothing is refused: what is over the limit stays in the folder.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Clock } from '../lib/clock.ts';

/** A newsletter's worth at once, then more than most machines can send on. */
const burst = 1000;
const perSecond = 50;
const nameMilliseconds = 60_000;
const maxKnown = 10_000;

interface Bucket {
  left: number;
  since: number;
}

export class Submitters {
  readonly #clock: Clock;
  readonly #free: ReadonlySet<number>;
  readonly #buckets = new Map<number, Bucket>();
  readonly #names = new Map<number, { readonly name: Promise<string>; readonly until: number }>();

  /** `free`: uids without a limit. */
  constructor(clock: Clock, free: readonly number[]) {
    this.#clock = clock;
    this.#free = new Set(free);
  }

  mayTake(uid: number): boolean {
    return this.#free.has(uid) || this.#bucket(uid).left >= 1;
  }

  take(uid: number): void {
    if (!this.#free.has(uid)) this.#bucket(uid).left--;
  }

  #bucket(uid: number): Bucket {
    const now = this.#clock.monotonic();
    if (this.#buckets.size > maxKnown) this.#buckets.clear();
    const bucket = this.#buckets.get(uid) ?? { left: burst, since: now };
    this.#buckets.set(uid, bucket);
    bucket.left = Math.min(burst, bucket.left + ((now - bucket.since) / 1000) * perSecond);
    bucket.since = now;
    return bucket;
  }

  /** By the system's name services; `unknown` for a uid without a name, as postdrop(1). */
  async nameOf(uid: number): Promise<string> {
    const now = this.#clock.monotonic();
    const known = this.#names.get(uid);
    if (known && known.until > now) return await known.name;
    if (this.#names.size > maxKnown) this.#names.clear();
    const name = promisify(execFile)('id', ['-nu', '--', String(uid)], { encoding: 'utf8', timeout: 10_000 }).then(
      ({ stdout }) => stdout.trim(),
      () => 'unknown',
    );
    this.#names.set(uid, { name, until: now + nameMilliseconds });
    return await name;
  }
}
