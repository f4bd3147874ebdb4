// Mail for one site is tried now, because a client asked for it (ETRN, RFC 1985). Who asks is a stranger: a site is looked
// for at most once a minute, one site at a time, and the queue is read page by page while the server goes on.

import type { Clock } from '../lib/clock.ts';
import type { QueueSurvey } from '../mailstore/queue-survey.ts';
import type { QueueChange } from './queue-changes.ts';

export interface SiteFlushOptions {
  /** A reader of the queue, opened for each look. */
  readonly survey: () => Pick<QueueSurvey, 'addresses' | 'close'> | undefined;
  readonly changes: { apply(change: QueueChange, ids: readonly string[]): Promise<string[]> };
  readonly clock: Clock;
  readonly warn: (text: string) => void;
}

const pageLength = 2000;
const restMilliseconds = 60_000;
/** Sites that wait their turn, and times that are remembered: fast_flush_domains may be all of a top-level domain. */
const maxSites = 1000;

export class SiteFlush {
  readonly #options: SiteFlushOptions;
  readonly #lastRequests = new Map<string, number>();
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: SiteFlushOptions) {
    this.#options = options;
  }

  /** False where too many sites wait. The work is done in the background. */
  request(site: string): boolean {
    const key = site.toLowerCase();
    const now = this.#options.clock.monotonic();
    if (now - (this.#lastRequests.get(key) ?? Number.NEGATIVE_INFINITY) < restMilliseconds) return true;
    if (this.#waiting >= maxSites) return false;
    if (this.#lastRequests.size >= maxSites) this.#lastRequests.clear();
    this.#lastRequests.set(key, now);
    this.#waiting++;
    this.#last = this.#last
      .then(() => this.#flush(key))
      .catch((error: unknown) => this.#options.warn(`flush of ${key}: ${String(error)}`))
      .then(() => {
        this.#waiting--;
      });
    return true;
  }

  /** Resolves when nothing is under way; what waits is left. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
  }

  async #flush(site: string): Promise<void> {
    if (this.#isClosed) return;
    const survey = this.#options.survey();
    if (survey === undefined) return;
    const ending = `@${site}`;
    try {
      for (let after = 0; !this.#isClosed; ) {
        const page = survey.addresses(after, pageLength);
        const ids = page
          .filter(({ recipient }) => recipient.toLowerCase().endsWith(ending))
          .map(({ message }) => message);
        if (ids.length > 0) await this.#options.changes.apply('flush', ids);
        const last = page.at(-1);
        if (last === undefined || page.length < pageLength) return;
        after = last.row;
        await new Promise(setImmediate);
      }
    } finally {
      survey.close();
    }
  }
}
