// Bytes that pass through the process in buffers. V8 counts a buffer's bytes beside its heap and, when many have come
// and gone, collects everything there is: half of the CPU of a large message. A collection of the young alone frees
// the same buffers in a millisecond, but V8 begins one only when its own small heap is full. So the parts that pass
// bodies on say how much has passed, and every now and then the young are collected.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export class PassingBytes {
  readonly #collect: () => void;
  readonly #every: number;
  #passed = 0;

  /** `collect` is called after each `every` octets. */
  constructor(collect: () => void, every = 16 * 1024 * 1024) {
    this.#collect = collect;
    this.#every = every;
  }

  passed(octets: number): void {
    this.#passed += octets;
    if (this.#passed < this.#every) return;
    this.#passed = 0;
    this.#collect();
  }
}

/** V8's collection of young objects, or nothing where V8 does not give it away. */
export function youngCollection(): () => void {
  try {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;
    return () => collect({ type: 'minor' });
  } catch {
    return () => undefined;
  }
}
