// The deliveries that one transport runs at a time (maxproc of master.cf), shared out among the destinations that wait.
//
// Destinations that want a slot take turns: each gets one delivery, then stands at the end again, so that one huge
// destination never keeps the others waiting. Of four slots one goes to a destination that has just taken mail, two to those
// of which nothing is known (to the one for which mail came last, and to the one that has waited longest), and one to the
// doubtful: those that failed when they were tried last, and mail that has been put off before. Where thousands of dead
// destinations hold slots until their connections time out, mail for a live one leaves with one of the next. And
// a quarter of all slots is kept from the doubtful: a backlog never holds them all.
//
// A delivery of a second waits for the other side and costs next to nothing. Where the transport allows it, such a one
// gives its slot away: so silent servers keep nobody waiting until there are very many of them. Then those that have
// been silent for ten seconds are cut off, the oldest first, as if their time were up.

import type { Destination } from './destination.ts';

const slowMilliseconds = 1000;
/** Slow ones that have given their slots away, for each slot. */
const slowPerSlot = 10;
const silentMilliseconds = 10_000;
/** So that one round of cuts does not hold up what goes on. */
const maxCutsAtOnce = 16;

export class TransportSlots<Job extends { readonly isRetry: boolean }> {
  #limit: number;
  #slowLimit: number;
  /** Those that hold a slot, in the order in which they began, and when they did. */
  readonly #holders = new Map<Job, number>();
  readonly #doubtful = new Set<Job>();
  #slow = 0;
  /** The slow ones that may not have been answered yet. */
  readonly #silent = new Map<Job, number>();
  /** Who waits, in the order of their turns. */
  readonly #good = new Set<Destination<Job>>();
  readonly #unknown = new Set<Destination<Job>>();
  readonly #rest = new Set<Destination<Job>>();
  /** Those to which mail has just come in, the last at the end; some have left, some are there twice. */
  #newest: Destination<Job>[] = [];
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
      this.#silent.set(job, began);
      this.#slow++;
    }
  }

  /** Where all slots are taken and others wait: cuts off silent ones; `cut` says whether it could. */
  cutSilent(now: number, cut: (job: Job) => boolean): void {
    if (this.hasRoom || !this.isWaitedFor || this.#slow < this.#slowLimit) return;
    let cuts = 0;
    for (const [job, began] of this.#silent) {
      if (cuts >= maxCutsAtOnce || now - began < silentMilliseconds) return;
      this.#silent.delete(job);
      if (cut(job)) cuts++;
    }
  }

  /** Milliseconds until a slot may be given away or a silent one cut off; undefined where that never happens. */
  untilSlow(now: number): number | undefined {
    if (this.#slowLimit === 0) return undefined;
    if (this.#slow >= this.#slowLimit) {
      const oldest = first(this.#silent.values());
      return oldest === undefined ? undefined : Math.max(20, oldest + silentMilliseconds - now);
    }
    const oldest = first(this.#holders.values());
    return oldest === undefined ? undefined : Math.max(1, oldest + slowMilliseconds - now);
  }

  get hasRoom(): boolean {
    return this.#holders.size < this.#limit;
  }

  get hasRoomForDoubtful(): boolean {
    if (!this.hasRoom) return false;
    return this.#limit === Number.POSITIVE_INFINITY || this.#doubtful.size < this.#limit - Math.floor(this.#limit / 4);
  }

  /** TRANSPORT_transport_rate_delay: nothing more begins until then. */
  pauseUntil(time: number): void {
    this.#pausedUntil = time;
  }

  pause(now: number): number {
    return Math.max(0, this.#pausedUntil - now);
  }

  began(job: Job, now: number, isDoubtful: boolean): void {
    this.#holders.set(job, now);
    if (isDoubtful) this.#doubtful.add(job);
  }

  ended(job: Job): void {
    if (this.#holders.has(job)) this.#releaseSlot(job);
    else {
      this.#silent.delete(job);
      this.#slow--;
    }
  }

  #releaseSlot(job: Job): void {
    this.#holders.delete(job);
    this.#doubtful.delete(job);
  }

  get isWaitedFor(): boolean {
    return this.#good.size + this.#unknown.size + this.#rest.size > 0;
  }

  get isIdle(): boolean {
    return this.#holders.size + this.#slow === 0 && !this.isWaitedFor;
  }

  wait(destination: Destination<Job>): void {
    const { standing, hasFirst } = destination;
    const line = standing === 'bad' || !hasFirst ? this.#rest : standing === 'good' ? this.#good : this.#unknown;
    if (line.has(destination)) return;
    this.forget(destination);
    line.add(destination);
  }

  /** Mail for it has just come in: while it waits, it goes before what has been lying. */
  freshen(destination: Destination<Job>): void {
    if (this.hasRoom || destination.standing !== 'unknown' || destination.busy > 0) return;
    this.#newest.push(destination);
    if (this.#newest.length <= 4 * this.#unknown.size + 16) return;
    this.#newest = [...new Set(this.#newest.toReversed())].toReversed().filter((each) => this.#unknown.has(each));
  }

  /** Whose turn it is; undefined where nobody waits who could use a slot. */
  take(): Destination<Job> | undefined {
    if (!this.hasRoom) return undefined;
    this.#turn = (this.#turn + 1) % 4;
    const isForRest = this.#turn === 3;
    const rest = this.hasRoomForDoubtful ? first(this.#rest) : undefined;
    const good = this.#turn === 0 ? first(this.#good) : undefined;
    const taken = good ?? (isForRest ? rest : undefined) ?? this.#takeUnknown(this.#turn) ?? first(this.#good) ?? rest;
    if (taken) this.forget(taken);
    return taken;
  }

  #takeUnknown(turn: number): Destination<Job> | undefined {
    while (turn === 1) {
      const last = this.#newest.pop();
      if (last === undefined) break;
      if (this.#unknown.has(last)) return last;
    }
    return first(this.#unknown);
  }

  forget(destination: Destination<Job>): void {
    this.#good.delete(destination);
    this.#unknown.delete(destination);
    this.#rest.delete(destination);
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
