// Octets in the order in which they were put, where some of them are still being made: a header field whose addresses
// are being looked up holds back what follows it, and nothing overtakes. What waits is at most what the client has sent in
// one piece: the session reads on when `waiting` is over.

import type { SliceSink } from '../smtp/dot-reader.ts';

export class OrderedOutput {
  readonly #emit: SliceSink;
  readonly #onFailure: (error: unknown) => void;
  readonly #queue: (Buffer | Promise<Buffer>)[] = [];
  #waiting: Promise<void> | undefined;

  constructor(emit: SliceSink, onFailure: (error: unknown) => void) {
    this.#emit = emit;
    this.#onFailure = onFailure;
  }

  /** Resolves when everything is out; undefined when it is. */
  get waiting(): Promise<void> | undefined {
    return this.#waiting;
  }

  put(slice: Buffer): void {
    if (this.#waiting === undefined) this.#emit(slice);
    else this.#queue.push(slice);
  }

  putLater(octets: Promise<Buffer>): void {
    // One that fails behind one that has failed already is heard by nobody else.
    octets.catch(() => undefined);
    this.#queue.push(octets);
    this.#waiting ??= this.#drain();
  }

  async #drain(): Promise<void> {
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#emit(await next);
    } catch (error) {
      this.#queue.length = 0;
      this.#onFailure(error);
    }
    this.#waiting = undefined;
  }
}
