// What happened over time, as people look at it: the last hour, day, week or 90 days in steps of one length.

import { countedThings, type History, type MailCounts, noMail } from './mail-history.ts';

export const ranges = ['1h', '24h', '7d', '90d'] as const;
export type Range = (typeof ranges)[number];

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const shapes: Readonly<
  Record<Range, { readonly source: keyof History; readonly step: number; readonly count: number }>
> = {
  '1h': { source: 'minutes', step: minute, count: 60 },
  '24h': { source: 'minutes', step: 15 * minute, count: 96 },
  '7d': { source: 'hours', step: 3 * hour, count: 56 },
  '90d': { source: 'hours', step: day, count: 90 },
};

export interface MailSeries {
  readonly range: Range;
  readonly stepMilliseconds: number;
  /** One for each step, the oldest first, also where there was no mail. */
  readonly points: readonly (MailCounts & { readonly time: number })[];
  readonly totals: MailCounts;
}

/** `zoneMinutes`: how far the reader's clock is ahead of UTC, so that a day is a day where he is. */
export function seriesOf(history: History, range: Range, now: number, zoneMinutes = 0): MailSeries {
  const { source, step, count } = shapes[range];
  const shift = zoneMinutes * minute;
  const last = Math.floor((now + shift) / step) * step - shift;
  const first = last - (count - 1) * step;
  const points = Array.from({ length: count }, (_, index) => ({ time: first + index * step, ...noMail() }));
  const totals = noMail();
  for (const period of history[source]) {
    const point = points[Math.floor((period.time - first) / step)];
    if (point === undefined) continue;
    for (const thing of countedThings) {
      point[thing] += period[thing];
      totals[thing] += period[thing];
    }
  }
  return { range, stepMilliseconds: step, points, totals };
}
