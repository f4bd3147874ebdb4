// When a second delivery is forgiven (RFC 5321 §6.1): outside of the server, with a cut between the two, and where the
// first was among the last things before that cut. Anything else would be a delivery that was repeated without need.

import type { Arrival } from './ledger.ts';

/** By token, kind and address. */
export type Arrivals = ReadonlyMap<string, readonly Arrival[]>;

export interface Cut {
  /** Milliseconds. */
  readonly at: number;
  /** What arrives from now on was sent by the server that was started after it. */
  until: number;
}

/** From the other side's word to the record of it: a commit, on a machine that has much else to do. */
const longestRecordMilliseconds = 2_000;

/** How long before its cut each of the first ones came; undefined where one of them is not forgiven. */
export function repetitionWidths(arrivals: readonly Arrival[], cuts: readonly Cut[]): number[] | undefined {
  const times = arrivals.flatMap(({ at }) => at ?? []).sort((a, b) => a - b);
  if (times.length < arrivals.length) return undefined;
  const widths: number[] = [];
  for (const [index, second] of times.entries()) {
    const first = times[index - 1];
    if (first === undefined) continue;
    const cut = cuts.find(({ at, until }) => first >= at - longestRecordMilliseconds && first < until && at < second);
    if (cut === undefined) return undefined;
    widths.push(cut.at - first);
  }
  return widths;
}
