// Searches of the trace for a server that is busy with mail: one at a time, each on a thread of its own.

import fs from 'node:fs';
import { Worker } from 'node:worker_threads';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { StoryPage, TraceListQuery } from './list.ts';
import type { TraceQuery } from './search.ts';
import type { Story } from './story.ts';

export interface FoundStories {
  readonly stories: readonly Story[];
  /** There may be more. */
  readonly isCut: boolean;
}

/** One of both. */
export interface TraceJob {
  readonly query?: TraceQuery;
  readonly list?: TraceListQuery;
}

const maxWaiting = 20;
const maxMilliseconds = 60_000;

export class TraceSearches {
  readonly #folder: string;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Throws TemporaryError where too many wait, or it takes too long. */
  async find(query: TraceQuery): Promise<FoundStories> {
    if (!fs.existsSync(this.#folder)) return { stories: [], isCut: false };
    return await this.#inTurn<FoundStories>({ query });
  }

  /** As `find`, a page of messages without their events. */
  async list(list: TraceListQuery): Promise<StoryPage> {
    if (!fs.existsSync(this.#folder)) return { stories: [] };
    return await this.#inTurn<StoryPage>({ list });
  }

  async #inTurn<Found>(job: TraceJob): Promise<Found> {
    if (this.#waiting >= maxWaiting) throw new TemporaryError('too many searches at once');
    this.#waiting++;
    const found = this.#last.then(async () => await this.#search<Found>(job));
    this.#last = found.catch(() => undefined);
    try {
      return await found;
    } finally {
      this.#waiting--;
    }
  }

  async #search<Found>(job: TraceJob): Promise<Found> {
    const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
    const file = new URL(`./search-worker.${extension}`, import.meta.url);
    const worker = new Worker(file, { workerData: { ...job, folder: this.#folder } });
    const timer = setTimeout(() => void worker.terminate(), maxMilliseconds);
    try {
      return await new Promise<Found>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
        worker.once('exit', () => reject(new TemporaryError('the search of the trace took too long')));
      });
    } finally {
      clearTimeout(timer);
    }
  }
}
