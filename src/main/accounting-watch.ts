// The invariant that runs all the time: every recipient that was accepted is delivered, sent on, relayed, bounced,
// discarded, deleted or still in the queue. Looked at when the server starts, each minute, and when somebody asks. A
// mismatch is our own bug or somebody's hand in the database: an error in the log (again each hour, and when it changes), a
// metric, and a line of `posthaste status` until it is acknowledged (`posthaste accounting --acknowledge`).

import type { Clock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import type { QueueCensus } from '../mailstore/types.ts';

export interface AccountingWatchOptions {
  readonly books: { census(): Promise<QueueCensus> };
  readonly clock: Clock;
  readonly log: ProgramLog;
  readonly intervalMilliseconds?: number;
}

const minuteMilliseconds = 60_000;
const repeatMilliseconds = 3_600_000;
/** Two who ask at once get one answer. */
const freshMilliseconds = 1000;

export class AccountingWatch {
  readonly #options: AccountingWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #last: { readonly at: number; readonly census: Promise<QueueCensus> } | undefined;
  #reported = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(options: AccountingWatchOptions) {
    this.#options = options;
  }

  start(): void {
    const look = () => {
      this.look().catch((error: unknown) => this.#options.log.warning(`accounting: cannot look: ${String(error)}`));
    };
    this.#timer = setInterval(look, this.#options.intervalMilliseconds ?? minuteMilliseconds);
    this.#timer.unref();
    look();
  }

  /** Takes a census, or gives the last one where that is a second old at most. */
  async look(): Promise<QueueCensus> {
    const now = this.#options.clock.monotonic();
    if (this.#last === undefined || now - this.#last.at > freshMilliseconds) {
      this.#last = { at: now, census: this.#options.books.census() };
    }
    const census = await this.#last.census;
    this.#report(census, now);
    return census;
  }

  /** Something has changed: the next look is a new one. */
  forget(): void {
    this.#last = undefined;
  }

  #report({ mismatch, books, recipients }: QueueCensus, now: number): void {
    const { log } = this.#options;
    if (mismatch === this.#reported && (mismatch === 0 || now - this.#reportedAt < repeatMilliseconds)) return;
    this.#reported = mismatch;
    this.#reportedAt = now;
    if (mismatch === 0) {
      log.info('accounting: the books agree with the queue again');
      return;
    }
    const what =
      mismatch > 0
        ? `${mismatch} accepted recipients are neither in the queue nor in any outcome`
        : `${-mismatch} recipients in the queue or with an outcome were never accepted`;
    const figures = Object.entries(books).map(([account, count]) => `${account}=${count}`);
    log.error(`accounting: ${what}: ${figures.join(' ')} queued=${recipients}; see posthaste accounting --help`);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
