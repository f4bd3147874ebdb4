// Password hashing shares libuv's threads with fsync, so only a few hashes are computed at a time. Callers wait in
// order; when too many wait, the answer is TemporaryError, so that a flood of logins cannot fill the memory.

import { TemporaryError } from '../lib/temporary-error.ts';

export class HashLimiter {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(maxRunning: number, maxWaiting: number) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#maxRunning) {
      if (this.#waiting.length >= this.#maxWaiting) throw new TemporaryError('too many logins at once');
      // The one who finishes hands its place over, so the count stays.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
