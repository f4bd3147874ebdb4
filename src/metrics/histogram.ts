// How long things take, in fixed buckets: an observation is a few comparisons and two additions.

/** Upper bounds in milliseconds: from a commit on a good disk to a message that waited for two days. */
const usualBounds = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 600_000, 7_200_000, 172_800_000,
];

export class Histogram {
  readonly bounds: readonly number[];
  /** One for each bound, and one for what is beyond; not cumulated. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[] = usualBounds) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(milliseconds: number): void {
    // A clock that was set back.
    const value = milliseconds > 0 ? milliseconds : 0;
    const { bounds, counts } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    counts[bucket] = (counts[bucket] as number) + 1;
    this.sum += value;
  }
}
