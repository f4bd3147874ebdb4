// What an administrator has done to all queued mail that a filter means. It may take minutes, and goes on when nobody looks:
// a job goes through the queue in slices, each durable, lets mail have its turn in between, and counts what it has really
// changed. Mail that came after its start is left alone: nobody has seen it. A job ends with the server; what it has not
// reached then stays as it was.

import type { Clock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import type { QueueFilter } from '../mailstore/queue-filter.ts';
import type { ScannedIds } from '../mailstore/queue-scan.ts';
import type { QueueChange } from './queue-changes.ts';

export interface QueueJob {
  readonly job: string;
  readonly change: QueueChange;
  readonly actor: string;
  /** Milliseconds since 1970. */
  readonly started: number;
  /** Messages that matched when it began. */
  readonly expected: number;
  /** Messages that it has come to, and that it has changed. */
  readonly seen: number;
  readonly changed: number;
  readonly state: 'running' | 'done' | 'stopped' | 'failed';
  readonly problem?: string;
}

export interface QueueJobsOptions {
  readonly ids: (filter: QueueFilter, after: string, limit: number) => Promise<ScannedIds>;
  readonly apply: (change: QueueChange, ids: readonly string[]) => Promise<readonly string[]>;
  readonly clock: Clock;
  readonly log: ProgramLog;
}

const sliceLength = 200;
const maxKept = 50;
const maxRunning = 4;

type Running = { -readonly [field in keyof QueueJob]: QueueJob[field] } & { isStopping?: boolean };

export class QueueJobs {
  readonly #options: QueueJobsOptions;
  readonly #jobs = new Map<string, Running>();
  #count = 0;
  #isClosed = false;

  constructor(options: QueueJobsOptions) {
    this.#options = options;
  }

  /** Undefined: too many run already. */
  start(change: QueueChange, filter: QueueFilter, expected: number, actor: string): QueueJob | undefined {
    const running = [...this.#jobs.values()].filter(({ state }) => state === 'running');
    if (running.length >= maxRunning) return undefined;
    const started = Math.floor(this.#options.clock.now());
    const job: Running = {
      job: `${started.toString(36)}${(++this.#count).toString(36)}`,
      change,
      actor,
      started,
      expected,
      seen: 0,
      changed: 0,
      state: 'running',
    };
    this.#jobs.set(job.job, job);
    const [oldest] = this.#jobs.keys();
    if (this.#jobs.size > maxKept && oldest !== undefined && this.#jobs.get(oldest)?.state !== 'running') {
      this.#jobs.delete(oldest);
    }
    const before = Math.min(filter.before ?? Number.POSITIVE_INFINITY, started + 1);
    void this.#run(job, { ...filter, before });
    return shown(job);
  }

  /** The newest first. */
  list(): QueueJob[] {
    return [...this.#jobs.values()].map(shown).toReversed();
  }

  find(name: string): QueueJob | undefined {
    const job = this.#jobs.get(name);
    return job && shown(job);
  }

  /** It ends after the slice that is under way. */
  stop(name: string): QueueJob | undefined {
    const job = this.#jobs.get(name);
    if (job?.state === 'running') job.isStopping = true;
    return job && shown(job);
  }

  close(): void {
    this.#isClosed = true;
  }

  async #run(job: Running, filter: QueueFilter): Promise<void> {
    const { ids: find, apply, log } = this.#options;
    try {
      // Requeued messages get new rows behind all others: each is done once.
      const done = job.change === 'requeue' ? new Set<string>() : undefined;
      for (let after = ''; ; ) {
        const { ids, next } = await find(filter, after, sliceLength);
        if (job.isStopping === true || this.#isClosed) {
          job.state = 'stopped';
          break;
        }
        const wanted = done === undefined ? ids : ids.filter((id) => !done.has(id));
        for (const id of wanted) done?.add(id);
        if (wanted.length > 0) job.changed += (await apply(job.change, wanted)).length;
        job.seen += wanted.length;
        if (next === undefined) {
          job.state = 'done';
          break;
        }
        after = next;
        await new Promise(setImmediate);
      }
    } catch (error) {
      job.state = 'failed';
      job.problem = error instanceof Error ? error.message : String(error);
    }
    const words = job.problem === undefined ? job.state : `${job.state}: ${job.problem}`;
    log.info(
      `queue: ${job.change} of all that match, by ${job.actor}: ${job.changed} of ${job.seen} messages, ${words}`,
    );
  }
}

function shown(running: Running): QueueJob {
  const { isStopping: _, ...job } = running;
  return job;
}
