// Clients that are refused at the connection hear it late (smtpd_error_sleep_time): whoever comes back at once, again and
// again, then spends his connections on waiting and not our processor on accepting. Only so many wait; beyond that the
// addresses that have been refused a moment ago are held as bare sockets, unread and without a session, and then cut off
// without a word; where too many are held as well, at once.

import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { ProgramLog } from '../lib/log.ts';
import { RecentMap } from '../lib/recent-map.ts';

/** Half of what the process may open is for those who are served. */
const openFiles = openFilesLimit();
/** A socket each, a session where there is one, and what the client has sent before it was stopped: 50 MB at most. */
const maxWaiting = Math.min(500, Math.floor(openFiles / 4));
/** A bare socket and a timer each: some 25 MB. */
const maxHeld = Math.min(8000, Math.floor(openFiles / 2) - maxWaiting);
const momentMilliseconds = 5000;
const maxAddresses = 10_000;
/** How often it is told how many were cut off. */
const tellMilliseconds = 10_000;

/** Of all services together. */
let held = 0;

/** Node has made the soft limit what the hard one is. */
function openFilesLimit(): number {
  try {
    return Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? Infinity);
  } catch {
    return 1024;
  }
}

export class RefusedClients {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #lately = new RecentMap<string, number>(maxAddresses);
  #waiting = 0;
  readonly #held = new Set<Socket>();
  #cutOff = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

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

  /**
   * True where this one would only be refused again, and too many wait: it is cut off, after as many milliseconds where so
   * many can be held. The socket must not have been read yet.
   */
  turnsAway(socket: Socket, address: string, milliseconds: number, log: ProgramLog): boolean {
    if (this.#waiting < this.#max) return false;
    const refusedAt = this.#lately.get(address);
    const now = this.#clock.monotonic();
    if (refusedAt === undefined || now - refusedAt > momentMilliseconds) return false;
    socket.on('error', () => undefined);
    if (milliseconds === 0 || held >= maxHeld) socket.resetAndDestroy();
    else this.#hold(socket, milliseconds);
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

  #hold(socket: Socket, milliseconds: number): void {
    this.#held.add(socket);
    held++;
    setTimeout(() => {
      held--;
      this.#held.delete(socket);
      socket.resetAndDestroy();
    }, milliseconds).unref();
  }

  /** The server closes: nobody is held any longer. */
  close(): void {
    for (const socket of this.#held) socket.resetAndDestroy();
  }
}
