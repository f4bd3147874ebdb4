// What lint says of the configuration, for a server that is busy with mail: one question at a time, on a thread that ends when
// nobody has asked for a while. The last answer is remembered as long as the files are the same.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../lib/clock.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { LintFinding } from '../lint/rule.ts';
import type { ProposedTexts } from '../settings/configuration.ts';

export interface LintAnswer {
  readonly findings: readonly LintFinding[];
  /** Rules that had more to say than is kept. */
  readonly cutRules: readonly string[];
}

const maxMilliseconds = 60_000;
const maxWaiting = 5;
/** The directory and the files of tables change without us: looked at anew after this. */
const freshMilliseconds = 60_000;
/** The thread holds some tens of megabytes. */
const idleMilliseconds = 30_000;

interface Kept {
  readonly texts: string;
  readonly at: number;
  readonly answer: Promise<LintAnswer>;
}

export class LintAside {
  readonly #folder: string;
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #kept: Kept | undefined;
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Of the folder as it is. Throws TemporaryError where too many wait, or it takes too long. */
  async look(): Promise<LintAnswer> {
    const texts = await this.#texts();
    const now = this.#clock.monotonic();
    if (this.#kept === undefined || this.#kept.texts !== texts || now - this.#kept.at > freshMilliseconds) {
      this.#keep({ texts, at: now, answer: this.ask({}) });
    }
    return await (this.#kept as Kept).answer;
  }

  /** With files as they would be. */
  async ask(proposed: ProposedTexts): Promise<LintAnswer> {
    if (this.#waiting >= maxWaiting) throw new TemporaryError('too many look through the configuration at once');
    this.#waiting++;
    const answer = this.#last.then(async () => await this.#run(proposed));
    this.#last = answer.catch(() => undefined);
    try {
      return await answer;
    } finally {
      this.#waiting--;
    }
  }

  /** What was proposed has been written: this is what lint says of it. */
  async remember(answer: LintAnswer): Promise<void> {
    const texts = await this.#texts();
    this.#keep({ texts, at: this.#clock.monotonic(), answer: Promise.resolve(answer) });
  }

  #keep(kept: Kept): void {
    this.#kept = kept;
    kept.answer.catch(() => {
      if (this.#kept === kept) this.#kept = undefined;
    });
  }

  async #texts(): Promise<string> {
    const files = ['main.cf', 'posthaste.cf', 'master.cf'].map((name) => join(this.#folder, name));
    const texts = await Promise.all(files.map(async (file) => await readFile(file, 'latin1').catch(() => '')));
    return texts.join('\0');
  }

  async #run(proposed: ProposedTexts): Promise<LintAnswer> {
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#open());
    worker.ref();
    const timer = setTimeout(() => void worker.terminate(), maxMilliseconds);
    try {
      const answer = await answerOf(worker, proposed);
      worker.unref();
      this.#idle = setTimeout(() => void worker.terminate(), idleMilliseconds).unref();
      return answer;
    } catch (error) {
      void worker.terminate();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #open(): Worker {
    const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
    const file = new URL(`./lint-worker.${extension}`, import.meta.url);
    const worker = new Worker(file, { workerData: { folder: this.#folder } });
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    // Whoever waits for its answer hears of it too.
    worker.on('error', () => undefined);
    return worker;
  }
}

async function answerOf(worker: Worker, proposed: ProposedTexts): Promise<LintAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<LintAnswer>();
  const answered = (answer: LintAnswer | { readonly failure: string }): void => {
    if ('failure' in answer) reject(cannot(answer.failure));
    else resolve(answer);
  };
  const failed = ({ message }: Error): void => reject(cannot(message));
  const ended = (): void => reject(new TemporaryError('looking through the configuration took too long'));
  worker.on('message', answered).on('error', failed).on('exit', ended);
  worker.postMessage(proposed);
  try {
    return await promise;
  } finally {
    worker.off('message', answered).off('error', failed).off('exit', ended);
  }
}

function cannot(reason: string): TemporaryError {
  return new TemporaryError(`the configuration cannot be looked through: ${reason}`);
}
