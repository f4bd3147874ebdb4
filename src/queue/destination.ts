// How many deliveries at a time go to one destination (a transport's next hop): Postfix's scheduler (SCHEDULER_README,
// qmgr_queue.c). The window starts at initial_destination_concurrency and moves by one for each success or failure, up to
// the limit and no further ahead of what is really in use than its start. When failures add up to a whole window
// (a "cohort") without a success in between, the destination is dead for minimal_backoff_time: its mail is
// deferred without a try, so that one silent server does not hold the queue's attention.

export interface DestinationLimits {
  readonly concurrencyLimit: number;
  readonly initialConcurrency: number;
}

/** destination_concurrency_failed_cohort_limit. */
const failedCohortLimit = 1;

export interface DeathCertificate {
  readonly status: string;
  readonly reason: string;
}

export class Destination<Job> {
  readonly key: string;
  readonly waiting: Job[] = [];
  busy = 0;
  readonly #limits: DestinationLimits;
  #window: number;
  #failedCohorts = 0;
  #deadUntil = Number.NEGATIVE_INFINITY;
  #death: DeathCertificate | undefined;

  constructor(key: string, limits: DestinationLimits) {
    this.key = key;
    this.#limits = limits;
    this.#window =
      limits.concurrencyLimit > 0
        ? Math.min(limits.initialConcurrency, limits.concurrencyLimit)
        : limits.initialConcurrency;
  }

  get window(): number {
    return this.#window;
  }

  get hasRoom(): boolean {
    return this.busy < this.#window;
  }

  /** Why mail for it is not tried at this time; undefined when it is alive. */
  death(now: number): DeathCertificate | undefined {
    return now < this.#deadUntil ? this.#death : undefined;
  }

  /** Nothing to remember: a new object would behave alike. */
  isIdle(now: number): boolean {
    return this.busy === 0 && this.waiting.length === 0 && now >= this.#deadUntil;
  }

  succeeded(): void {
    this.#failedCohorts = 0;
    const { concurrencyLimit, initialConcurrency } = this.#limits;
    const isBelowLimit = concurrencyLimit === 0 || this.#window < concurrencyLimit;
    if (isBelowLimit && this.#window < this.busy + initialConcurrency) this.#window++;
  }

  failed(death: DeathCertificate, deadUntil: number): void {
    this.#failedCohorts += 1 / this.#window;
    if (this.#window > 1) this.#window--;
    if (this.#failedCohorts < failedCohortLimit) return;
    this.#death = death;
    this.#deadUntil = deadUntil;
    this.#failedCohorts = 0;
    this.#window = Math.max(
      1,
      Math.min(this.#limits.initialConcurrency, this.#limits.concurrencyLimit || Number.POSITIVE_INFINITY),
    );
  }

  revive(): void {
    this.#deadUntil = Number.NEGATIVE_INFINITY;
  }
}
