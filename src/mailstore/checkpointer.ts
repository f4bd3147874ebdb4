// The checkpoint thread, as long as there is something to copy: it begins with the first commit and ends after a minute
// without one, because a thread that waits holds 15 MB.

import type { Worker } from 'node:worker_threads';
import type { Clock } from '../lib/clock.ts';

const restMilliseconds = 60_000;

export class Checkpointer {
  readonly #open: () => Worker;
  readonly #clock: Clock;
  readonly #onBroken: (error: Error) => void;
  #worker: Worker | undefined;
  #ended: Promise<void> = Promise.resolve();
  #isEnding = false;
  #isClosed = false;
  #wokenAt = 0;

  /** `onBroken`: the thread ended by itself, and nothing is copied back any more. */
  constructor(open: () => Worker, clock: Clock, onBroken: (error: Error) => void) {
    this.#open = open;
    this.#clock = clock;
    this.#onBroken = onBroken;
  }

  /** Something has been committed. */
  wake(): void {
    this.#wokenAt = this.#clock.monotonic();
    if (this.#worker === undefined && !this.#isClosed) this.#start();
  }

  /** To be called now and then. */
  rest(): void {
    if (this.#isResting()) this.#end();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#end();
    await this.#ended;
  }

  #isResting(): boolean {
    return this.#clock.monotonic() - this.#wokenAt > restMilliseconds;
  }

  #start(): void {
    let worker: Worker;
    try {
      worker = this.#open();
    } catch (error) {
      this.#onBroken(error as Error);
      return;
    }
    this.#worker = worker;
    this.#isEnding = false;
    worker.on('error', this.#onBroken);
    this.#ended = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#worker = undefined;
        resolve();
        if (!this.#isEnding) this.#onBroken(new Error('the checkpoint thread ended'));
        // A commit came while it was ending.
        else if (!this.#isResting()) this.wake();
      });
    });
  }

  #end(): void {
    if (this.#worker === undefined || this.#isEnding) return;
    this.#isEnding = true;
    this.#worker.postMessage('close');
  }
}
