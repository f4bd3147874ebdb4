// The lines before the transports: every delivery waits in its destination's line until the destination's window and pause,
// and the transport's slots and pause, let it begin. What waits for a destination that has died is given back at once.

import type { Clock } from '../lib/clock.ts';
import type { Transport } from './delivery-agent.ts';
import { type DeathCertificate, Destination } from './destination.ts';
import { TransportSlots } from './transport-slots.ts';

export interface LinedJob {
  readonly transport: Transport;
  readonly transportName: string;
  /** In whose line it waits. */
  readonly destination: string;
  readonly isRetry: boolean;
  /** Has come in just now. */
  readonly isFresh: boolean;
}

export interface DeliveryLinesOptions<Job> {
  readonly clock: Clock;
  /** How long a dead destination is left alone (minimal_backoff_time). */
  readonly deadMilliseconds: number;
  /** Begins a delivery and calls `ended` once: with nothing, or with why no server could be talked to. */
  run(job: Job, ended: (death?: DeathCertificate) => void): void;
  /** Ends a delivery that nobody has answered yet; false where somebody has. */
  cut(job: Job): boolean;
  /** Not tried: its destination is dead. */
  suspend(job: Job, death: DeathCertificate): void;
}

interface Place<Job extends LinedJob> {
  readonly destination: Destination<Job>;
  readonly slots: TransportSlots<Job>;
}

export class DeliveryLines<Job extends LinedJob> {
  readonly #options: DeliveryLinesOptions<Job>;
  readonly #places = new Map<string, Place<Job>>();
  readonly #slots = new Map<string, TransportSlots<Job>>();
  /** For the end of a pause; by destination or slots. */
  readonly #timers = new Map<object, NodeJS.Timeout>();
  #isClosed = false;

  constructor(options: DeliveryLinesOptions<Job>) {
    this.#options = options;
  }

  add(job: Job): void {
    const place = this.#place(job);
    place.destination.add(job);
    if (job.isFresh) place.slots.freshen(place.destination);
    this.#pump(place);
  }

  /** Its destination is worth another try. */
  reviveFor(job: Job): void {
    this.#place(job).destination.revive();
  }

  /** Where it has not begun; false where it has. */
  remove(job: Job): boolean {
    const place = this.#places.get(keyOf(job));
    if (!place?.destination.remove(job)) return false;
    if (!place.destination.hasWaiting) place.slots.forget(place.destination);
    return true;
  }

  /** Its destination has just taken mail. */
  isGood(job: Job): boolean {
    return this.#places.get(keyOf(job))?.destination.standing === 'good';
  }

  /** Dead destinations are worth another try. */
  revive(): void {
    for (const { destination } of this.#places.values()) destination.revive();
  }

  /** Forgets destinations of which there is nothing to remember. */
  tidy(): void {
    const now = this.#options.clock.monotonic();
    for (const [key, { destination }] of this.#places) if (destination.isIdle(now)) this.#places.delete(key);
    for (const [name, slots] of this.#slots) if (slots.isIdle && slots.pause(now) === 0) this.#slots.delete(name);
  }

  /** Nothing begins any more. */
  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    for (const { destination } of this.#places.values()) destination.clear();
  }

  #place(job: Job): Place<Job> {
    const { transport, transportName } = job;
    const key = keyOf(job);
    const known = this.#places.get(key);
    if (known) {
      known.slots.resize(transport);
      return known;
    }
    const slots = this.#slots.get(transportName) ?? new TransportSlots<Job>(transport);
    this.#slots.set(transportName, slots);
    const place = { destination: new Destination<Job>(key, transport), slots };
    this.#places.set(key, place);
    return place;
  }

  /** Begins what may begin of one destination; where others wait for the transport too, each gets its turn. */
  #pump(place: Place<Job>): void {
    const { destination, slots } = place;
    if (slots.isWaitedFor) {
      if (destination.hasWaiting && this.#mayBegin(place)) slots.wait(destination);
      this.#serve(slots);
      return;
    }
    while (this.#begin(place));
  }

  /** Gives out what slots there are. */
  #serve(slots: TransportSlots<Job>): void {
    const now = this.#options.clock.monotonic();
    slots.releaseSlow(now);
    const pause = slots.pause(now);
    if (pause > 0) {
      this.#wakeAfter(slots, pause, () => this.#serve(slots));
      return;
    }
    for (let destination = slots.take(); destination; destination = slots.take()) {
      const place = { destination, slots };
      if (this.#begin(place) && destination.hasWaiting && this.#mayBegin(place)) slots.wait(destination);
      if (slots.pause(this.#options.clock.monotonic()) > 0) return this.#serve(slots);
    }
    slots.cutSilent(now, (job) => this.#options.cut(job));
    const untilSlow = slots.isWaitedFor ? slots.untilSlow(now) : undefined;
    if (untilSlow !== undefined) this.#wakeAfter(slots, untilSlow, () => this.#serve(slots));
  }

  /** As far as the destination is concerned: alive, with room in its window, and not pausing. */
  #mayBegin(place: Place<Job>): boolean {
    const { destination } = place;
    const now = this.#options.clock.monotonic();
    const death = destination.death(now);
    if (death) {
      for (let job = destination.next(true); job; job = destination.next(true)) this.#options.suspend(job, death);
      return false;
    }
    if (!destination.hasRoom) return false;
    const pause = destination.pause(now);
    if (pause > 0) this.#wakeAfter(destination, pause, () => this.#pump(place));
    return pause === 0;
  }

  /** Begins one delivery; false where none could begin. Where only a slot is missing, the destination waits for one. */
  #begin(place: Place<Job>): boolean {
    const { destination, slots } = place;
    if (this.#isClosed || !destination.hasWaiting || !this.#mayBegin(place)) return false;
    const now = this.#options.clock.monotonic();
    slots.releaseSlow(now);
    const pause = slots.pause(now);
    const isBad = destination.standing === 'bad';
    const mayDoubt = slots.hasRoomForDoubtful;
    const mayBegin = slots.hasRoom && pause === 0 && (mayDoubt || !isBad);
    const job = mayBegin ? destination.next(mayDoubt) : undefined;
    if (!job) {
      slots.wait(destination);
      const wait = pause > 0 ? pause : slots.untilSlow(now);
      if (wait !== undefined) this.#wakeAfter(slots, wait, () => this.#serve(slots));
      return false;
    }
    const delay = job.transport.transportRateDelayMilliseconds;
    if (delay > 0) slots.pauseUntil(now + delay);
    destination.busy++;
    slots.began(job, now, job.isRetry || isBad);
    this.#options.run(job, (death) => this.#ended(place, job, death));
    return true;
  }

  #ended(place: Place<Job>, job: Job, death: DeathCertificate | undefined): void {
    const { destination, slots } = place;
    const now = this.#options.clock.monotonic();
    if (death) destination.failed(death, now, this.#options.deadMilliseconds);
    else destination.succeeded(now);
    destination.busy--;
    slots.ended(job);
    if (!this.#isClosed) this.#pump(place);
  }

  #wakeAfter(key: object, milliseconds: number, wake: () => void): void {
    if (this.#timers.has(key) || this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      wake();
    }, milliseconds);
    this.#timers.set(key, timer.unref());
  }
}

function keyOf({ transportName, destination }: LinedJob): string {
  return `${transportName}:${destination}`;
}
