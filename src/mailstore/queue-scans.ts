// Looking through the queue for a server that is busy with mail: one question after the other, on a thread that is there
// only while somebody asks. How the queue stands as a whole is asked by everybody who has the page open: an answer is given
// again for twenty times as long as it took, so that a million messages cost a twentieth of one core at most.

import { Worker } from 'node:worker_threads';
import type { Clock } from '../lib/clock.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { QueueFilter } from './queue-filter.ts';
import type { QueueSummary, ScannedIds, ScannedPage } from './queue-scan.ts';
import type { ScanRequest } from './queue-scan-worker.ts';
import { workerFile } from './store-threads.ts';

/** With the time that it is of: milliseconds since 1970. */
export type TimedSummary = QueueSummary & { readonly time: number };

const restMilliseconds = 30_000;
const maxWaiting = 20;
const maxMilliseconds = 60_000;
const leastKeptMilliseconds = 2000;
const keptForEach = 20;
const maxKept = 50;

interface ScanAnswer<Answer> {
  readonly value?: Answer;
  readonly error?: string;
  /** That looking took. */
  readonly milliseconds?: number;
}

interface Kept {
  readonly summary: Promise<TimedSummary>;
  /** Of the monotonic clock. */
  until: number;
}

export class QueueScans {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #activeIds: () => Promise<readonly string[]>;
  readonly #kept = new Map<string, Kept>();
  #worker: Worker | undefined;
  #rest: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** Milliseconds, of the last answer. */
  #took = 0;

  /** `file` is store.db; `activeIds` are those that the scheduler has in its hands. */
  constructor(file: string, clock: Clock, activeIds: () => Promise<readonly string[]>) {
    this.#file = file;
    this.#clock = clock;
    this.#activeIds = activeIds;
  }

  /** `isFresh`: not what somebody else was told before; ages of the filter are the caller's. */
  async summary(filter: QueueFilter, name = JSON.stringify(filter), isFresh = false): Promise<TimedSummary> {
    const began = this.#clock.monotonic();
    const known = this.#kept.get(name);
    if (known !== undefined && !isFresh && began < known.until) return await known.summary;
    const summary = this.#summarize(filter);
    const kept: Kept = { summary, until: Number.POSITIVE_INFINITY };
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > maxKept && oldest !== undefined) this.#kept.delete(oldest);
    try {
      return await summary;
    } catch (error) {
      this.#kept.delete(name);
      throw error;
    } finally {
      kept.until = this.#clock.monotonic() + Math.max(leastKeptMilliseconds, keptForEach * this.#took);
    }
  }

  async #summarize(filter: QueueFilter): Promise<TimedSummary> {
    const time = Math.floor(this.#clock.now());
    const summary = await this.#ask<QueueSummary>({ kind: 'summary', filter, now: time, active: [] });
    return { ...summary, time };
  }

  async list(filter: QueueFilter, after: string, limit: number, maxRecipients: number): Promise<ScannedPage> {
    return await this.#ask<ScannedPage>({ kind: 'list', filter, after, limit, maxRecipients, active: [] });
  }

  async ids(filter: QueueFilter, after: string, limit: number): Promise<ScannedIds> {
    return await this.#ask<ScannedIds>({ kind: 'ids', filter, after, limit, active: [] });
  }

  async close(): Promise<void> {
    clearTimeout(this.#rest);
    await this.#worker?.terminate();
  }

  /** What has changed by somebody's hand is seen at once. */
  forget(): void {
    this.#kept.clear();
  }

  async #ask<Answer>(request: ScanRequest): Promise<Answer> {
    if (this.#waiting >= maxWaiting) throw new TemporaryError('too many look through the queue at once');
    this.#waiting++;
    const answer = this.#last.then(async () => await this.#send<Answer>(request));
    this.#last = answer.catch(() => undefined);
    try {
      return await answer;
    } finally {
      this.#waiting--;
    }
  }

  async #send<Answer>(request: ScanRequest): Promise<Answer> {
    clearTimeout(this.#rest);
    const active = await this.#activeIds();
    const worker = (this.#worker ??= this.#start());
    const timer = setTimeout(() => void worker.terminate(), maxMilliseconds);
    try {
      return await new Promise<Answer>((resolve, reject) => {
        const ended = () => reject(new TemporaryError('looking through the queue took too long'));
        worker.once('exit', ended);
        worker.once('message', ({ value, error, milliseconds = 0 }: ScanAnswer<Answer>) => {
          worker.off('exit', ended);
          this.#took = milliseconds;
          if (error === undefined) resolve(value as Answer);
          else reject(new TemporaryError(`the queue cannot be read: ${error}`));
        });
        worker.postMessage({ ...request, active });
      });
    } finally {
      clearTimeout(timer);
      this.#rest = setTimeout(() => void this.#worker?.terminate(), restMilliseconds).unref();
    }
  }

  #start(): Worker {
    const worker = new Worker(workerFile('queue-scan-worker'), { workerData: this.#file });
    worker.unref();
    // Whoever waits hears of it by its end.
    worker.on('error', () => undefined);
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }
}
