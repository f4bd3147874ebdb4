// The books of the queue, as the rest of the program sees them: what is asked of them, and the little that is written into
// them beside what the writer thread writes with every transaction (operations/books.ts).

import { Worker } from 'node:worker_threads';
import { openSqlite, type SqliteConnection } from '../database/sqlite.ts';
import { systemClock } from '../lib/clock.ts';
import type { GroupDispatcher } from './group-dispatcher.ts';
import { takeCensus } from './take-census.ts';
import type { QueueCensus } from './types.ts';

/** Rows that the main thread counts itself: less than a millisecond. */
const maxOwnRows = 5000;

export class QueueBooks {
  readonly #dispatcher: Pick<GroupDispatcher, 'submit'>;
  readonly #file: string;
  readonly #openWorker: () => Worker;
  #database: SqliteConnection | undefined;

  constructor(dispatcher: Pick<GroupDispatcher, 'submit'>, file: string, workerFile: URL) {
    this.#dispatcher = dispatcher;
    this.#file = file;
    this.#openWorker = () =>
      new Worker(workerFile, { workerData: file, resourceLimits: { maxYoungGenerationSizeMb: 1 } });
  }

  /** Recipients that were accepted and discarded by a rule, without ever being stored. */
  recordDiscarded(recipients: number): Promise<void> {
    return this.#dispatcher.submit<'record-discarded'>({ kind: 'record-discarded', recipients });
  }

  /** Makes the books agree with the queue; returns how many recipients they were apart. */
  acknowledgeMismatch(): Promise<number> {
    return this.#dispatcher.submit<'acknowledge-mismatch'>({ kind: 'acknowledge-mismatch' });
  }

  async census(): Promise<QueueCensus> {
    this.#database ??= openSqlite(this.#file, { readonly: true, cacheKib: 256 });
    return takeCensus(this.#database, systemClock.now(), maxOwnRows) ?? (await this.#takeOnThread());
  }

  #takeOnThread(): Promise<QueueCensus> {
    return new Promise((resolve, reject) => {
      const worker = this.#openWorker();
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the census thread ended')));
    });
  }

  close(): void {
    this.#database?.close();
    this.#database = undefined;
  }
}
