// When a client that keeps us waiting has had its time. A command line must be complete within smtpd_timeout of
// our asking for it, however its octets trickle in. Within a message every octet earns time, at the rate of
// smtpd_min_data_rate octets a second and never to more than smtpd_timeout ahead (Postfix: per-request deadlines
// under stress; here always): a byte a minute buys nothing, a slow honest line goes on for hours.
// The server looks at all deadlines about once a second: no timer per session.

import type { Clock } from '../lib/clock.ts';

export class Deadline {
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #millisecondsPerOctet: number;
  #at: number | undefined;
  /** What was left when the body's time was stopped. */
  #left: number;

  constructor(clock: Clock, timeout: number, minDataRate: number) {
    this.#clock = clock;
    this.#timeout = timeout;
    this.#millisecondsPerOctet = minDataRate > 0 ? 1000 / minDataRate : 0;
    this.#left = timeout;
  }

  hasPassed(now: number): boolean {
    return this.#at !== undefined && now >= this.#at;
  }

  /** Waiting for a line begins; does nothing where it has begun already. */
  startLine(): void {
    this.#at ??= this.#clock.monotonic() + this.#timeout;
  }

  startHandshake(timeout: number): void {
    this.#at = this.#clock.monotonic() + timeout;
  }

  startBody(): void {
    this.#at = undefined;
    this.#left = this.#timeout;
  }

  /** Octets of a body have come. With a minimum rate of 0 any octet renews the whole time. */
  received(octets: number): void {
    this.stop();
    const earned = this.#millisecondsPerOctet === 0 ? this.#timeout : octets * this.#millisecondsPerOctet;
    this.#left = Math.min(this.#timeout, this.#left + earned);
  }

  /** Waiting for the body's next octets begins. */
  resume(): void {
    this.#at ??= this.#clock.monotonic() + this.#left;
  }

  /** It is our turn. */
  stop(): void {
    if (this.#at === undefined) return;
    this.#left = Math.max(0, this.#at - this.#clock.monotonic());
    this.#at = undefined;
  }
}
