// Remembers for a few minutes that a password was right, so that a client which logs in every second costs no hash.
// What is kept is an HMAC under a key that lives as long as the process, over the mailbox, its stored hash and the
// password: useless outside, and void as soon as the stored hash changes. Wrong passwords are never remembered.

import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';

export class VerifiedCache {
  readonly #clock: Clock;
  readonly #lifeMilliseconds: number;
  readonly #maxEntries: number;
  readonly #key = randomBytes(32);
  /** From HMAC to when it ends; oldest use first. */
  readonly #entries = new Map<string, number>();

  constructor(clock: Clock, lifeMilliseconds = 300_000, maxEntries = 10_000) {
    this.#clock = clock;
    this.#lifeMilliseconds = lifeMilliseconds;
    this.#maxEntries = maxEntries;
  }

  has(mailboxId: number, stored: string, password: string): boolean {
    const name = this.#name(mailboxId, stored, password);
    const until = this.#entries.get(name);
    if (until === undefined) return false;
    this.#entries.delete(name);
    if (until <= this.#clock.monotonic()) return false;
    this.#entries.set(name, until);
    return true;
  }

  add(mailboxId: number, stored: string, password: string): void {
    this.#entries.set(this.#name(mailboxId, stored, password), this.#clock.monotonic() + this.#lifeMilliseconds);
    if (this.#entries.size <= this.#maxEntries) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }

  /** Lengths go in too, so that no two triples are one text. */
  #name(mailboxId: number, stored: string, password: string): string {
    const head = `${mailboxId} ${stored.length} ${stored}`;
    return createHmac('sha256', this.#key).update(head).update(password).digest('base64');
  }
}
