// Whether what a node has of the directory is what the server has: asked before every decision, once for all who asked
// before the question was sent, and once for all that one decision looks up. An answer holds for others for a millisecond from
// when its question was sent, since it may be the state of that moment: however slow the server is, nobody is answered from
// an older one, and what one node was told is done is seen by whoever asks another a millisecond later. Reads that cannot wait (synchronous ones, in a session that was let in already) are held by a watch that asks every second: they are refused
// once ten have passed without an answer. Nothing is ever answered from a copy that nobody has compared.

import { withinTime } from '../../database/server/server-session.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';

const watchMilliseconds = 1000;
const maxSilentSeconds = 10;
/** To copy all takes longer; whoever asks for a recipient is told to come again. */
const maxWaitMilliseconds = 20_000;
const holdMilliseconds = 1;

export class Freshness {
  /** Compares, and fetches what is missing. */
  readonly #compare: () => Promise<void>;
  #running: Promise<void> | undefined;
  /** The question that has not been sent yet, and the same for those who have no patience. */
  #waiting: Promise<void> | undefined;
  #answer: Promise<void> | undefined;
  #holds = false;
  /** Who has been told to go on: a decision, for all its lookups. */
  readonly #served = new WeakSet<object>();
  #silentSeconds = maxSilentSeconds + 1;
  #why = 'it has not been asked yet';
  #watch: NodeJS.Timeout | undefined;

  constructor(compare: () => Promise<void>) {
    this.#compare = compare;
  }

  /** Undefined where nothing has to be waited for, or not again by the same decision. Rejects with TemporaryError. */
  fresh(decision?: object): Promise<void> | undefined {
    if (decision !== undefined && this.#served.has(decision)) return undefined;
    const answer = this.#holds ? undefined : this.#answered();
    if (decision === undefined) return answer;
    if (answer !== undefined) return answer.then(() => void this.#served.add(decision));
    this.#served.add(decision);
    return undefined;
  }

  /** As `fresh`, however long it takes. */
  compared(): Promise<void> {
    if (this.#waiting === undefined) {
      const ask = (): Promise<void> => this.#ask();
      this.#waiting = this.#running === undefined ? Promise.resolve().then(ask) : this.#running.then(ask, ask);
    }
    return this.#waiting;
  }

  /** Throws TemporaryError where nobody has compared for too long. */
  check(): void {
    if (this.#silentSeconds <= maxSilentSeconds) return;
    throw new TemporaryError(`the directory: ${this.#why}`);
  }

  watch(): void {
    this.#watch ??= setInterval(() => {
      this.#silentSeconds++;
      this.fresh()?.catch(() => undefined);
    }, watchMilliseconds);
    this.#watch.unref();
  }

  close(): void {
    clearInterval(this.#watch);
    this.#silentSeconds = maxSilentSeconds + 1;
    this.#holds = false;
    this.#why = 'it is closed';
  }

  #answered(): Promise<void> {
    return (this.#answer ??= withinTime(this.compared(), maxWaitMilliseconds, () => {
      return new TemporaryError('the directory: its server is slow, or all of it is being copied');
    }));
  }

  async #ask(): Promise<void> {
    const mine = this.#waiting;
    this.#waiting = undefined;
    this.#answer = undefined;
    this.#running = mine;
    let isRecent = true;
    setTimeout(() => {
      isRecent = false;
      this.#holds = false;
    }, holdMilliseconds);
    try {
      await this.#compare();
      this.#silentSeconds = 0;
      this.#holds = isRecent;
    } catch (error) {
      this.#why = (error as Error).message;
      throw error instanceof TemporaryError ? error : new TemporaryError(this.#why, { cause: error });
    } finally {
      if (this.#running === mine) this.#running = undefined;
    }
  }
}
