// When a second delivery is forgiven (RFC 5321 §6.1): outside of the server, with a cut between the two, and where the
// first was among the last things before that cut. Anything else would be a delivery that was repeated without need.

import type { Arrival } from './ledger.ts';

/** By token, kind and address. */
export type Arrivals = ReadonlyMap<string, readonly Arrival[]>;

/** From the other side's word to the record of it: a commit, on a machine that has much else to do. */
const longestRecordMilliseconds = 2_000;
/** What was on its way when the server was cut down arrives a little later. */
const longestWayMilliseconds = 1_000;

export function isForgiven(arrivals: readonly Arrival[], cuts: readonly number[]): boolean {
  const times = arrivals.flatMap(({ at }) => at ?? []).sort((a, b) => a - b);
  if (times.length < arrivals.length) return false;
  return times.every((second, index) => {
    const first = times[index - 1];
    return (
      first === undefined ||
      cuts.some(
        (cut) => cut < second && first >= cut - longestRecordMilliseconds && first <= cut + longestWayMilliseconds,
      )
    );
  });
}
