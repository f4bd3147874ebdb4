// Looking through the queue for what is due: in pages, so that clients are served in between; at the time when the next
// message is due, at least every queue_run_delay, when room has become free, and when somebody asks for everything.

import type { Clock } from '../lib/clock.ts';
import type { Mailstore, QueueMessage } from '../mailstore/types.ts';

export interface QueueRunsOptions {
  readonly store: Mailstore;
  readonly clock: Clock;
  /** queue_run_delay: how often, whatever the timers say. */
  readonly queueRunSeconds: number;
  /** How long a failed read is left alone. */
  readonly retrySeconds: number;
  /** maximal_backoff_time: nothing is put off for longer. */
  readonly maximalBackoffSeconds: number;
  /** Is it being delivered, or not to be? */
  readonly isTaken: (id: string) => boolean;
  /** False: there is no room. */
  readonly take: (message: QueueMessage, now: number, isFlushed: boolean) => boolean;
  /** The whole queue has been seen. */
  readonly onEnd: () => void;
  readonly warn: (text: string) => void;
}

/** Rows read at once. */
const pageLength = 100;
/** setTimeout takes no longer one. */
const maxTimerMilliseconds = 2 ** 31 - 1;

export class QueueRuns {
  readonly #options: QueueRunsOptions;
  #timer: NodeJS.Timeout | undefined;
  #timerDue = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  /** While everything is asked for: what has had its turn. */
  #flushed: Set<string> | undefined;
  #isClosed = false;
  /** Something is due that has not been taken up. */
  hasMore = false;

  constructor(options: QueueRunsOptions) {
    this.#options = options;
  }

  get running(): Promise<void> | undefined {
    return this.#running;
  }

  /** Looks for due messages now; resolves when they are taken up. */
  async run(): Promise<void> {
    const { clock, retrySeconds, warn } = this.#options;
    this.#running ??= this.#lookThrough()
      .catch((error: unknown) => {
        warn(`the queue cannot be read: ${String(error)}`);
        this.wakeAt(clock.now() + retrySeconds * 1000);
      })
      .finally(() => {
        this.#running = undefined;
      });
    await this.#running;
  }

  /** Takes up everything, also what is not due yet, but for those in `taken`. */
  async flush(taken: Iterable<string>): Promise<void> {
    this.#flushed = new Set(taken);
    await this.run();
  }

  /** It has its turn before a flush comes to it. */
  hasTurn(id: string): void {
    this.#flushed?.add(id);
  }

  wakeAt(due: number): void {
    if (this.#isClosed || due >= this.#timerDue) return;
    clearTimeout(this.#timer);
    this.#timerDue = due;
    const delay = Math.min(Math.max(0, due - this.#options.clock.now()), maxTimerMilliseconds);
    this.#timer = setTimeout(() => {
      this.#timerDue = Number.POSITIVE_INFINITY;
      void this.run();
    }, delay);
    this.#timer.unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #lookThrough(): Promise<void> {
    const { clock, store, queueRunSeconds, maximalBackoffSeconds, onEnd } = this.#options;
    this.hasMore = false;
    if (!(await this.#takePages())) return;
    const farthest = clock.now() + maximalBackoffSeconds * 1000;
    // Put off by a clock that was ahead, or before the time was made shorter.
    if (!this.#flushed && !(await this.#takePages({ nextAttempt: farthest, id: '' }))) return;
    this.#flushed = undefined;
    const now = clock.now();
    onEnd();
    this.wakeAt(now + queueRunSeconds * 1000);
    const next = store.queueNextAttempt();
    if (next !== undefined && next > now) this.wakeAt(next);
  }

  /** What is due, or all that is put off beyond `from`. False: not all of it could be taken. */
  async #takePages(from?: { readonly nextAttempt: number; readonly id: string }): Promise<boolean> {
    const { store, clock, isTaken, take } = this.#options;
    let after = from;
    for (;;) {
      if (this.#isClosed) return false;
      const now = clock.now();
      const isFlushed = this.#flushed !== undefined;
      const page = store.queueDue(isFlushed || from ? Number.MAX_SAFE_INTEGER : now, pageLength, after);
      for (const message of page) {
        if (isTaken(message.id) || this.#flushed?.has(message.id)) continue;
        if (take(message, now, isFlushed)) continue;
        this.hasMore = true;
        return false;
      }
      const last = page.at(-1);
      if (!last || page.length < pageLength || (after && last.id === after.id)) return true;
      after = { nextAttempt: last.nextAttempt, id: last.id };
      await new Promise(setImmediate);
    }
  }
}
