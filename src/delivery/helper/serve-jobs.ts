// The helper's end: reads frames from standard input, keeps the jobs apart, and answers with lines of JSON. It ends with
// its input; what was not finished then is given up.

import { Socket } from 'node:net';
import { FrameReader } from './frame-reader.ts';
import { type Failure, frameKinds, type HelperReply } from './protocol.ts';

const readBytes = 65_536;

export interface HelperJob<Outcome> {
  /** Resolves when the message may come; with an outcome where there is nothing to do. What need not wait does not. */
  open(): Promise<Outcome | undefined>;
  /** `chunk` is the caller's again when it returns. */
  write(chunk: Buffer): void;
  commit(): Promise<Outcome>;
  /** Leaves nothing behind. */
  abort(): void;
  describe(error: unknown): Failure;
}

class ServedJob<Outcome extends { readonly kind: string }> {
  readonly #id: number;
  readonly #job: HelperJob<Outcome>;
  readonly #onEnd: () => void;
  #isOver = false;
  #opening: Promise<void> = Promise.resolve();

  constructor(id: number, job: HelperJob<Outcome>, onEnd: () => void) {
    this.#id = id;
    this.#job = job;
    this.#onEnd = onEnd;
  }

  /** `waits`: the other side wants to know when the message may come. */
  open(waits: boolean): void {
    this.#opening = this.#open(waits);
  }

  async #open(waits: boolean): Promise<void> {
    try {
      const outcome = await this.#job.open();
      if (this.#isOver) this.#job.abort();
      else if (outcome !== undefined) this.#end(outcome);
      else if (waits) this.#say({ kind: 'ready' });
    } catch (error) {
      this.fail(error);
    }
  }

  write(chunk: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#job.write(chunk);
    } catch (error) {
      this.fail(error);
    }
  }

  async commit(): Promise<void> {
    await this.#opening;
    if (this.#isOver) return;
    try {
      this.#end(await this.#job.commit());
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    // Before the tidying: what it was that failed counts.
    const failure = this.#job.describe(error);
    this.abort();
    this.#say(failure);
  }

  abort(): void {
    this.#isOver = true;
    this.#onEnd();
    try {
      this.#job.abort();
    } catch {
      // Nobody can do more.
    }
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd();
    this.#say(outcome);
  }

  #say(reply: Outcome | Failure | { readonly kind: 'ready' }): void {
    const line: HelperReply<Outcome> = { ...(reply as Outcome), job: this.#id };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

export function serveJobs<Job, Outcome extends { readonly kind: string }>(
  begin: (job: Job) => HelperJob<Outcome>,
): void {
  const jobs = new Map<number, ServedJob<Outcome>>();
  const take = (kind: number, id: number, payload: Buffer): void => {
    if (kind === frameKinds.open || kind === frameKinds.begin) {
      const job = new ServedJob(id, begin(JSON.parse(payload.toString()) as Job), () => jobs.delete(id));
      jobs.set(id, job);
      job.open(kind === frameKinds.open);
      return;
    }
    const job = jobs.get(id);
    if (kind === frameKinds.data) job?.write(payload);
    else if (kind === frameKinds.commit) void job?.commit();
    else job?.abort();
  };
  if (process.getuid?.() === 0) process.setgroups?.([]);
  process.umask(0o077);
  // A terminal sends these to everybody; the server says when it is over by closing our input.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const frames = new FrameReader(take);
  // Always into the same buffer: else megabytes of read ones lie about before they are collected.
  const input = new Socket({
    fd: 0,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.alloc(readBytes),
      callback: (length, buffer) => {
        frames.push((buffer as Buffer).subarray(0, length));
        return true;
      },
    },
  });
  input.on('error', () => undefined);
  input.on('close', () => {
    for (const job of jobs.values()) job.fail(new Error('the server has ended'));
  });
  input.resume();
  // Nobody hears the answers any more.
  process.stdout.on('error', () => undefined);
}
