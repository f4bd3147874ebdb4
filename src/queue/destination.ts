// One destination (a transport's next hop): the deliveries that wait for it, how many run, and whether it is worth trying.
// What is tried for the first time and what has been put off before wait in two lines that take turns: a backlog does
// not stand in the way of new mail, nor new mail in the way of a backlog.

import { ConcurrencyWindow, type WindowLimits } from './concurrency-window.ts';

export interface DestinationLimits extends WindowLimits {
  /** TRANSPORT_destination_rate_delay: the pause after a delivery; 0: none, and one at a time where there is one. */
  readonly rateDelayMilliseconds: number;
}

export interface DeathCertificate {
  readonly status: string;
  readonly reason: string;
}

export class Destination<Job extends { readonly isRetry: boolean }> {
  readonly key: string;
  busy = 0;
  /** What the last delivery has shown. */
  standing: 'unknown' | 'good' | 'bad' = 'unknown';
  readonly #limits: DestinationLimits;
  readonly #window: ConcurrencyWindow;
  readonly #first = new Set<Job>();
  readonly #retries = new Set<Job>();
  #wasRetry = false;
  #deadUntil = Number.NEGATIVE_INFINITY;
  #death: DeathCertificate | undefined;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor(key: string, limits: DestinationLimits) {
    this.key = key;
    this.#limits = limits.rateDelayMilliseconds > 0 ? { ...limits, concurrencyLimit: 1 } : limits;
    this.#window = new ConcurrencyWindow(this.#limits);
  }

  get window(): number {
    return this.#window.size;
  }

  get hasRoom(): boolean {
    return this.busy < this.#window.size;
  }

  get hasWaiting(): boolean {
    return this.#first.size + this.#retries.size > 0;
  }

  /** Something waits that has not been tried yet. */
  get hasFirst(): boolean {
    return this.#first.size > 0;
  }

  add(job: Job): void {
    (job.isRetry ? this.#retries : this.#first).add(job);
  }

  /** False where it does not wait. */
  remove(job: Job): boolean {
    return (job.isRetry ? this.#retries : this.#first).delete(job);
  }

  clear(): void {
    this.#first.clear();
    this.#retries.clear();
  }

  /** Takes the next out of its line; `mayRetry` false: only what has not been tried yet. */
  next(mayRetry: boolean): Job | undefined {
    const isRetry = mayRetry && this.#retries.size > 0 && (this.#first.size === 0 || !this.#wasRetry);
    const line = isRetry ? this.#retries : this.#first;
    for (const job of line) {
      line.delete(job);
      this.#wasRetry = isRetry;
      return job;
    }
    return undefined;
  }

  /** Why mail for it is not tried at this time; undefined when it is alive. */
  death(now: number): DeathCertificate | undefined {
    return now < this.#deadUntil ? this.#death : undefined;
  }

  /** Milliseconds until the next delivery may begin. */
  pause(now: number): number {
    return Math.max(0, this.#pausedUntil - now);
  }

  /** Nothing to remember: a new object would behave alike. */
  isIdle(now: number): boolean {
    return this.busy === 0 && !this.hasWaiting && now >= this.#deadUntil && now >= this.#pausedUntil;
  }

  /** A delivery has ended, well or refused: the destination can be talked to. */
  succeeded(now: number): void {
    this.#rest(now);
    this.#window.succeeded(this.busy);
    this.standing = 'good';
  }

  failed(death: DeathCertificate, now: number, deadMilliseconds: number): void {
    this.#rest(now);
    this.standing = 'bad';
    if (!this.#window.failed()) return;
    this.#death = death;
    this.#deadUntil = now + deadMilliseconds;
  }

  #rest(now: number): void {
    const { rateDelayMilliseconds } = this.#limits;
    if (rateDelayMilliseconds > 0) this.#pausedUntil = now + rateDelayMilliseconds;
  }

  revive(): void {
    if (this.standing === 'bad') this.standing = 'unknown';
    this.#deadUntil = Number.NEGATIVE_INFINITY;
  }
}
