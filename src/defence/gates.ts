// Lets only so many through at a time under one key: who guesses on fifty connections at once would otherwise have all
// fifty guesses judged before the first failure counts. The others wait their turn, in order.

import { TemporaryError } from '../lib/temporary-error.ts';

interface Gate {
  inside: number;
  /** Those inside and those who wait. */
  users: number;
  readonly waiting: (() => void)[];
}

/** Of all keys together. */
const maxWaiting = 2000;

export class Gates {
  readonly #gates = new Map<string, Gate>();
  #waiting = 0;

  /** Resolves when `key` has room; whoever comes in must leave. */
  async enter(key: string, room: () => number): Promise<void> {
    const gate = this.#gates.get(key) ?? { inside: 0, users: 0, waiting: [] };
    if (gate.inside >= Math.max(1, room()) && this.#waiting >= maxWaiting) {
      throw new TemporaryError('too many logins at once');
    }
    this.#gates.set(key, gate);
    gate.users++;
    while (gate.inside >= Math.max(1, room())) {
      this.#waiting++;
      await new Promise<void>((resolve) => gate.waiting.push(resolve));
      this.#waiting--;
    }
    gate.inside++;
  }

  leave(key: string): void {
    const gate = this.#gates.get(key);
    if (gate === undefined) return;
    gate.inside--;
    gate.users--;
    gate.waiting.shift()?.();
    if (gate.users === 0) this.#gates.delete(key);
  }
}
