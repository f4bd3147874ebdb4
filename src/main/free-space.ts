// Octets free where messages are kept, looked at once a second at most: the question is asked at every MAIL.

import fs from 'node:fs';
import type { Clock } from '../lib/clock.ts';

const keepMilliseconds = 1000;

export class FreeSpace {
  readonly #folder: string;
  readonly #clock: Clock;
  #octets = Number.MAX_SAFE_INTEGER;
  #until = Number.NEGATIVE_INFINITY;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  octets(): number {
    const now = this.#clock.monotonic();
    if (now < this.#until) return this.#octets;
    this.#until = now + keepMilliseconds;
    const { bavail, bsize } = fs.statfsSync(this.#folder);
    this.#octets = bavail * bsize;
    return this.#octets;
  }
}
