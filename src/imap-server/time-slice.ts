// Keeps long work from holding the event loop, which SMTP shares: after a few milliseconds of work the loop gets a turn.

import type { Clock } from '../lib/clock.ts';

const sliceMilliseconds = 4;

export class TimeSlice {
  readonly #clock: Clock;
  #began: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.monotonic();
  }

  get isOver(): boolean {
    return this.#clock.monotonic() - this.#began >= sliceMilliseconds;
  }

  /** Lets everything else that is ready run first. */
  async pause(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#began = this.#clock.monotonic();
  }
}
