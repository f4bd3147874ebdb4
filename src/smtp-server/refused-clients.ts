// Clients that are refused at the connection hear it late (smtpd_error_sleep_time): whoever comes back at once, again and
// again, then spends his connections on waiting and not our processor on accepting. Only so many wait; beyond that the
// addresses that have been refused a moment ago are cut off without a word, before anything is made for them.

import type { Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import { RecentMap } from '../lib/recent-map.ts';

/** A socket each, and a session where there is one: some 15 MB. */
const maxWaiting = 2000;
const momentMilliseconds = 5000;
const maxAddresses = 10_000;
/** How often it is told how many were cut off. */
const tellMilliseconds = 10_000;

export class RefusedClients {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #lately = new RecentMap<string, number>(maxAddresses);
  #waiting = 0;
  #cutOff = 0;
  #toldAt = 0;

  constructor(clock: Clock, max = maxWaiting) {
    this.#clock = clock;
    this.#max = max;
  }

  /** Resolves when the refusal may be said. */
  async wait(address: string, milliseconds: number): Promise<void> {
    this.#lately.set(address, this.#clock.monotonic());
    if (milliseconds === 0 || this.#waiting >= this.#max) return;
    this.#waiting++;
    await new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
    this.#waiting--;
  }

  /** True where the socket has been cut off: too many wait, and this one would only be refused again. */
  cutOff(socket: Socket, address: string, log: ProgramLog): boolean {
    if (this.#waiting < this.#max) return false;
    const refusedAt = this.#lately.get(address);
    const now = this.#clock.monotonic();
    if (refusedAt === undefined || now - refusedAt > momentMilliseconds) return false;
    socket.on('error', () => undefined);
    socket.resetAndDestroy();
    this.#cutOff++;
    if (now - this.#toldAt > tellMilliseconds) {
      this.#toldAt = now;
      log.warning(
        `${this.#cutOff} connections of refused clients were cut off: ${this.#waiting} wait already; last from ${address}`,
      );
      this.#cutOff = 0;
    }
    return true;
  }
}
