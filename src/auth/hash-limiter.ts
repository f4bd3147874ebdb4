// Password hashing shares libuv's threads with fsync and its processors with everything else, so only a few hashes are
// computed at a time. Callers wait: one of each client in turn, so that who floods us with guesses delays mostly
// himself; when too many wait, of one client or in all, the answer is TemporaryError, and memory stays bounded.

import { availableParallelism } from 'node:os';
import { TemporaryError } from '../lib/temporary-error.ts';

/** One processor stays with the protocols, and of libuv's four threads two with files. */
export const usualHashing = Math.max(1, Math.min(2, availableParallelism() - 1));

export class HashLimiter {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  /** Of one client; who logs in rightly needs one. */
  readonly #maxWaitingEach: number;
  /** By client, in the order of their next turns. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #waitingCount = 0;
  #running = 0;

  constructor(maxRunning: number, maxWaiting: number, maxWaitingEach = Math.ceil(maxWaiting / 4)) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
    this.#maxWaitingEach = maxWaitingEach;
  }

  /** Nobody waits: work that can be left undone may be done. */
  get isIdle(): boolean {
    return this.#running < this.#maxRunning;
  }

  async run<T>(client: string, work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#maxRunning) await this.#wait(client);
    else this.#running++;
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  /** The one who finishes hands its place over, so the count stays. */
  #wait(client: string): Promise<void> {
    const own = this.#waiting.get(client) ?? [];
    if (this.#waitingCount >= this.#maxWaiting || own.length >= this.#maxWaitingEach) {
      throw new TemporaryError('too many logins at once');
    }
    this.#waitingCount++;
    this.#waiting.set(client, own);
    return new Promise<void>((resolve) => own.push(resolve));
  }

  #next(): void {
    for (const [client, own] of this.#waiting) {
      const go = own.shift();
      this.#waiting.delete(client);
      if (own.length > 0) this.#waiting.set(client, own);
      if (go === undefined) continue;
      this.#waitingCount--;
      go();
      return;
    }
    this.#running--;
  }
}
