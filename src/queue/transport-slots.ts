// The deliveries that one transport runs at a time (maxproc of master.cf), shared out among the destinations that wait.
//
// Destinations that want a slot take turns: each gets one delivery, then stands at the end again, so that one huge
// destination never keeps the others waiting. Of three slots one goes to the destination that has waited longest, one to
// the one that began to wait last, one to what has been put off before: where thousands of dead destinations hold slots
// until their connections time out, mail for a live one leaves with one of the next. And a quarter of all slots
// is kept from what has been put off before: a backlog never holds them all.
//
// A delivery of a second waits for the other side and costs next to nothing. Where the transport allows it, such a one
// gives its slot away: so silent servers keep nobody waiting until there are very many of them.

import type { Destination } from './destination.ts';

const slowMilliseconds = 1000;
/** Slow ones that have given their slots away, for each slot. */
const slowPerSlot = 8;

export class TransportSlots<Job extends { readonly isRetry: boolean }> {
  #limit: number;
  #slowLimit: number;
  /** Those that hold a slot, in the order in which they began, and when they did. */
  readonly #holders = new Map<Job, number>();
  #slow = 0;
  #retryHolders = 0;
  /** Those with mail that has not been tried yet, in the order of their turns. */
  readonly #round = new Set<Destination<Job>>();
  /** Those of them that have not had a turn since they began to wait, the newest last; some have left. */
  #fresh: Destination<Job>[] = [];
  /** Those that have nothing but retries. */
  readonly #retryRound = new Set<Destination<Job>>();
  #turn = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor(limits: SlotLimits) {
    [this.#limit, this.#slowLimit] = counts(limits);
  }

  resize(limits: SlotLimits): void {
    [this.#limit, this.#slowLimit] = counts(limits);
  }

  /** The slow give their slots away; to be called before slots are given out. */
  releaseSlow(now: number): void {
    for (const [job, began] of this.#holders) {
      if (this.#slow >= this.#slowLimit || now - began < slowMilliseconds) return;
      this.#releaseSlot(job);
      this.#slow++;
    }
  }

  /** Milliseconds until one that holds a slot is slow; undefined where none will give it away. */
  untilSlow(now: number): number | undefined {
    const oldest = first(this.#holders.values());
    if (oldest === undefined || this.#slow >= this.#slowLimit) return undefined;
    return Math.max(1, oldest + slowMilliseconds - now);
  }

  get hasRoom(): boolean {
    return this.#holders.size < this.#limit;
  }

  get hasRoomForRetry(): boolean {
    if (!this.hasRoom) return false;
    return this.#limit === Number.POSITIVE_INFINITY || this.#retryHolders < this.#limit - Math.floor(this.#limit / 4);
  }

  /** TRANSPORT_transport_rate_delay: nothing more begins until then. */
  pauseUntil(time: number): void {
    this.#pausedUntil = time;
  }

  pause(now: number): number {
    return Math.max(0, this.#pausedUntil - now);
  }

  began(job: Job, now: number): void {
    this.#holders.set(job, now);
    if (job.isRetry) this.#retryHolders++;
  }

  ended(job: Job): void {
    if (this.#holders.has(job)) this.#releaseSlot(job);
    else this.#slow--;
  }

  #releaseSlot(job: Job): void {
    this.#holders.delete(job);
    if (job.isRetry) this.#retryHolders--;
  }

  get isWaitedFor(): boolean {
    return this.#round.size + this.#retryRound.size > 0;
  }

  get isIdle(): boolean {
    return this.#holders.size + this.#slow === 0 && !this.isWaitedFor;
  }

  wait(destination: Destination<Job>): void {
    if (!destination.hasFirst) {
      this.#retryRound.add(destination);
      return;
    }
    this.#retryRound.delete(destination);
    if (this.#round.has(destination)) return;
    this.#round.add(destination);
    this.#fresh.push(destination);
    if (this.#fresh.length <= 2 * this.#round.size + 16) return;
    this.#fresh = this.#fresh.filter((each) => this.#round.has(each));
  }

  /** It has had its turn, and wants another. */
  waitAgain(destination: Destination<Job>): void {
    (destination.hasFirst ? this.#round : this.#retryRound).add(destination);
  }

  /** Whose turn it is; undefined where nobody waits who could use a slot. */
  take(): Destination<Job> | undefined {
    if (!this.hasRoom) return undefined;
    this.#turn = (this.#turn + 1) % 3;
    const retry = this.hasRoomForRetry ? first(this.#retryRound) : undefined;
    const taken =
      (this.#turn === 0 ? retry : this.#turn === 1 ? this.#newest() : undefined) ?? first(this.#round) ?? retry;
    if (taken) this.forget(taken);
    return taken;
  }

  #newest(): Destination<Job> | undefined {
    for (;;) {
      const last = this.#fresh.pop();
      if (last === undefined || this.#round.has(last)) return last;
    }
  }

  forget(destination: Destination<Job>): void {
    this.#round.delete(destination);
    this.#retryRound.delete(destination);
  }
}

export interface SlotLimits {
  /** May be infinite. */
  readonly processLimit: number;
  /** A delivery is a connection to elsewhere, and nobody has chosen the limit. */
  readonly givesSlowSlotsAway: boolean;
}

function counts({ processLimit, givesSlowSlotsAway }: SlotLimits): [number, number] {
  return [processLimit, givesSlowSlotsAway && Number.isFinite(processLimit) ? slowPerSlot * processLimit : 0];
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const each of values) return each;
  return undefined;
}
