// Changes that are asked for at the same time share a transaction, and with it one flush of the disk: each runs behind a
// savepoint, so that one that is refused leaves no trace, and none is answered before all are durable. Alone, a change is a
// transaction of its own. They run one after the other, in the order in which they were asked for.

import { setImmediate } from 'node:timers/promises';
import { CompiledQuery } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import type { DirectoryDatabase, DirectoryWriter } from './database.ts';

type Work<T> = (db: DirectoryDatabase) => Promise<T>;

interface Waiting {
  readonly work: Work<unknown>;
  /** Nothing of it stays; it has a transaction of its own. */
  readonly isTrial: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Done {
  readonly tell: () => void;
  readonly waiting: Waiting;
}

/** Other processes that write wait for as long. */
const maxGroup = 200;
const maxGroupMilliseconds = 20;

export class GroupCommit {
  readonly #transact: DirectoryWriter['transact'];
  readonly #clock: Clock;
  readonly #onCommit: () => void;
  readonly #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(transact: DirectoryWriter['transact'], clock: Clock, onCommit: () => void) {
    this.#transact = transact;
    this.#clock = clock;
    this.#onCommit = onCommit;
  }

  /** Resolves when what `work` has written is durable. */
  async run<T>(work: Work<T>): Promise<T> {
    return await this.#add(work, false);
  }

  /** Runs `work` in its turn and alone, and undoes what it has written. */
  async tryOut<T>(work: Work<T>): Promise<T> {
    return await this.#add(work, true);
  }

  async #add<T>(work: Work<T>, isTrial: boolean): Promise<T> {
    const result = new Promise<unknown>((resolve, reject) => this.#waiting.push({ work, isTrial, resolve, reject }));
    if (!this.#isRunning) void this.#runAll();
    return (await result) as T;
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      // Work on SQLite never leaves this turn of the event loop: without a pause here the first of many requests that have arrived
      // would be committed before the second is read.
      await setImmediate();
      await (this.#waiting[0]?.isTrial ? this.#runTrial() : this.#runGroup());
    }
    this.#isRunning = false;
  }

  async #runTrial(): Promise<void> {
    const trial = this.#waiting.shift();
    if (trial === undefined) return;
    const { work, resolve, reject } = trial;
    const over: { value?: unknown; isDone?: true } = {};
    try {
      await this.#transact(async (db) => {
        over.value = await work(db);
        over.isDone = true;
        throw new TrialOver();
      });
    } catch (error) {
      if (error instanceof TrialOver && over.isDone) resolve(over.value);
      else reject(error);
    }
  }

  async #runGroup(): Promise<void> {
    const taken: Waiting[] = [];
    let done: Done[] = [];
    try {
      done = await this.#transact((db) => this.#fill(db, taken));
      this.#onCommit();
    } catch (error) {
      // Nobody could begin: those who wait for the same would not come further.
      const failed = taken.length > 0 ? taken : this.#waiting.splice(0);
      for (const { reject } of failed) reject(error);
      return;
    }
    for (const { tell } of done) tell();
  }

  async #fill(db: DirectoryDatabase, taken: Waiting[]): Promise<Done[]> {
    const done: Done[] = [];
    // Where the directory is on a server, a transaction that met another one is made again.
    this.#waiting.unshift(...taken.splice(0));
    const end = this.#clock.monotonic() + maxGroupMilliseconds;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      taken.push(next);
      const waiting = next;
      try {
        const value = await withSavepoint(db, 'one_of_group', waiting.work);
        done.push({ waiting, tell: () => waiting.resolve(value) });
      } catch (error) {
        if (error instanceof LostTransactionError) throw error.cause;
        // Told with the others: what it was refused for may be one of theirs.
        done.push({ waiting, tell: () => waiting.reject(error) });
      }
      if (this.#waiting[0]?.isTrial || taken.length >= maxGroup || this.#clock.monotonic() > end) break;
    }
    return done;
  }
}

/** Ends the transaction of a trial without its changes. */
class TrialOver extends Error {}

/** The database has given up the whole transaction (it does when the disk is full), not this part alone. */
class LostTransactionError extends Error {
  override name = 'LostTransactionError';
}

/** What fails in `work` is undone, and the transaction around it goes on. */
export async function withSavepoint<T>(db: DirectoryDatabase, name: string, work: Work<T>): Promise<T> {
  await db.executeQuery(CompiledQuery.raw(`savepoint ${name}`));
  let result: T;
  try {
    result = await work(db);
  } catch (cause) {
    try {
      await db.executeQuery(CompiledQuery.raw(`rollback to savepoint ${name}`));
      await db.executeQuery(CompiledQuery.raw(`release savepoint ${name}`));
    } catch {
      throw new LostTransactionError('the transaction is gone', { cause });
    }
    throw cause;
  }
  await db.executeQuery(CompiledQuery.raw(`release savepoint ${name}`));
  return result;
}
