// How many deliveries at a time go to one destination (SCHEDULER_README, "Concurrency scheduling"). The window starts at
// initial_destination_concurrency. Each success opens it by the positive feedback, no further ahead of what is in use
// than its start and never beyond the limit; each failure to connect closes it by the negative feedback. Failures that
// add up to as many whole windows ("pseudo-cohorts") as the limit allows, without a success between, are death.

/** A number from 0 to 1, or that number divided by the window or by its square root. */
export interface Feedback {
  readonly base: number;
  readonly by: 'nothing' | 'concurrency' | 'sqrt_concurrency';
}

export interface WindowLimits {
  /** 0: none. */
  readonly concurrencyLimit: number;
  readonly initialConcurrency: number;
  readonly positiveFeedback: Feedback;
  readonly negativeFeedback: Feedback;
  /** destination_concurrency_failed_cohort_limit; 0: never dead. */
  readonly failedCohortLimit: number;
}

/** `1`, `0.5`, `1/8`, `1/concurrency`, `1/sqrt_concurrency`; undefined where it is none of these or not from 0 to 1. */
export function parseFeedback(text: string): Feedback | undefined {
  const [, numerator = '', denominator] = /^\s*(\d*\.?\d+)\s*(?:\/\s*([a-z_]+|\d*\.?\d+))?\s*$/.exec(text) ?? [];
  if (numerator === '') return undefined;
  const isNamed = denominator === 'concurrency' || denominator === 'sqrt_concurrency';
  const base = Number(numerator) / (denominator === undefined || isNamed ? 1 : Number(denominator));
  return base >= 0 && base <= 1 ? { base, by: isNamed ? denominator : 'nothing' } : undefined;
}

function amount({ base, by }: Feedback, window: number): number {
  if (by === 'nothing') return base;
  return base / (by === 'concurrency' ? window : Math.sqrt(window));
}

export class ConcurrencyWindow {
  readonly #limits: WindowLimits;
  #size: number;
  /** Feedback that has not yet made a whole step. */
  #successes = 0;
  #failures = 0;
  #failedCohorts = 0;

  constructor(limits: WindowLimits) {
    this.#limits = limits;
    this.#size = this.#start;
  }

  get size(): number {
    return this.#size;
  }

  get #start(): number {
    const { concurrencyLimit, initialConcurrency } = this.#limits;
    return concurrencyLimit > 0 ? Math.min(initialConcurrency, concurrencyLimit) : initialConcurrency;
  }

  /** `busy`: deliveries under way, this one included. */
  succeeded(busy: number): void {
    const { concurrencyLimit, initialConcurrency, positiveFeedback } = this.#limits;
    this.#failedCohorts = 0;
    if (concurrencyLimit > 0 && this.#size >= concurrencyLimit) return;
    if (this.#size >= busy + initialConcurrency) return;
    const step = amount(positiveFeedback, this.#size);
    this.#successes += step;
    // Half a step more: sums of fractions fall short by their rounding.
    while (step > 0 && this.#successes + step / 2 >= 1) {
      this.#size++;
      this.#successes--;
      this.#failures = 0;
    }
    if (concurrencyLimit > 0) this.#size = Math.min(this.#size, concurrencyLimit);
  }

  /** True: that was one too many, the destination is dead; the window begins anew. */
  failed(): boolean {
    const { failedCohortLimit, negativeFeedback } = this.#limits;
    this.#failedCohorts += 1 / this.#size;
    if (failedCohortLimit > 0 && this.#failedCohorts >= failedCohortLimit) {
      this.#failedCohorts = 0;
      this.#successes = 0;
      this.#failures = 0;
      this.#size = this.#start;
      return true;
    }
    const step = amount(negativeFeedback, this.#size);
    this.#failures -= step;
    while (step > 0 && this.#failures - step / 2 < 0) {
      this.#size--;
      this.#failures++;
      this.#successes = 0;
    }
    this.#size = Math.max(1, this.#size);
    return false;
  }
}
