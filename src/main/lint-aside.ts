// What lint says of the configuration, for a server that is busy with mail: one at a time, each on a thread of its own, and
// remembered for a while as long as the files are the same.

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

export class LintAside {
  readonly #folder: string;
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #kept: { readonly texts: string; readonly at: number; readonly answer: Promise<LintAnswer> } | undefined;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Of the folder as it is. Throws TemporaryError where too many wait, or it takes too long. */
  async look(): Promise<LintAnswer> {
    const texts = await this.#texts();
    const now = this.#clock.monotonic();
    if (this.#kept === undefined || this.#kept.texts !== texts || now - this.#kept.at > freshMilliseconds) {
      const answer = this.ask({});
      const kept = { texts, at: now, answer };
      this.#kept = kept;
      answer.catch(() => {
        if (this.#kept === kept) this.#kept = undefined;
      });
    }
    return await this.#kept.answer;
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

  async #texts(): Promise<string> {
    const files = ['main.cf', 'posthaste.cf', 'master.cf'].map((name) => join(this.#folder, name));
    const texts = await Promise.all(files.map(async (file) => await readFile(file, 'latin1').catch(() => '')));
    return texts.join('\0');
  }

  async #run(proposed: ProposedTexts): Promise<LintAnswer> {
    const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
    const file = new URL(`./lint-worker.${extension}`, import.meta.url);
    const worker = new Worker(file, { workerData: { folder: this.#folder, proposed } });
    const timer = setTimeout(() => void worker.terminate(), maxMilliseconds);
    try {
      return await new Promise<LintAnswer>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', ({ message }) =>
          reject(new TemporaryError(`the configuration cannot be looked through: ${message}`)),
        );
        worker.once('exit', () => reject(new TemporaryError('looking through the configuration took too long')));
      });
    } finally {
      clearTimeout(timer);
    }
  }
}
