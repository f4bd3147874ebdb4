// A helper that is started when it is needed first; at the server's start where that will be root's last moment.

import { type HelperName, HelperProcess } from './helper-process.ts';
import type { CommandJob, Failure, FileJob } from './protocol.ts';

export class Helper<Job extends FileJob | CommandJob, Outcome extends { readonly kind: string }> {
  readonly #name: HelperName;
  readonly #onBroken: (reason: string) => void;
  /** Root when the server was started: then it can act as whoever it is told to. */
  readonly isRoot = process.getuid?.() === 0;
  #process: HelperProcess<Job, Outcome> | undefined;

  constructor(name: HelperName, onBroken: (reason: string) => void) {
    this.#name = name;
    this.#onBroken = onBroken;
  }

  /** To be called before root is given up, where a service will need it. */
  prepare(): void {
    this.#process ??= new HelperProcess(this.#name, this.#onBroken, true);
  }

  async run(job: Job, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Outcome | Failure> {
    if (this.#process === undefined && this.isRoot && process.getuid?.() !== 0) {
      return { kind: 'failed', code: '', text: `the ${this.#name} must be started as root: start the server again` };
    }
    this.#process ??= new HelperProcess(this.#name, this.#onBroken);
    return await this.#process.deliver(job, content, signal);
  }

  async close(): Promise<void> {
    await this.#process?.close();
  }
}
