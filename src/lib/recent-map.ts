// A map that forgets what has not been used for longest, so that strangers cannot fill the memory. It keeps two
// generations: when the young one is full the old one goes as a whole. So it holds the last `max` used keys and at most
// twice as many. (To take the first key out of one Map again and again is slow: it walks over the holes of those before.)

export class RecentMap<Key, Value> {
  readonly #max: number;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  constructor(max: number) {
    this.#max = Math.max(1, max);
  }

  get size(): number {
    let size = this.#young.size;
    for (const key of this.#old.keys()) if (!this.#young.has(key)) size++;
    return size;
  }

  has(key: Key): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  /** Not a use: only `set` keeps a key young. */
  get(key: Key): Value | undefined {
    const value = this.#young.get(key);
    return value === undefined && !this.#young.has(key) ? this.#old.get(key) : value;
  }

  set(key: Key, value: Value): void {
    if (this.#young.size >= this.#max && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: Key): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  *values(): Iterable<Value> {
    yield* this.#young.values();
    for (const [key, value] of this.#old) if (!this.#young.has(key)) yield value;
  }
}
