// The queue by domain and age, as qshape(1) prints it: how many recipients wait for each domain (or messages from each
// sender's domain) and for how long. Built page by page; bounded, however many domains strangers make up: beyond a number the smallest
// are counted together.

import type { QueueSurvey } from '../mailstore/queue-survey.ts';
import { type QueueName, queueOf } from './queue-store.ts';

export interface ShapeOptions {
  readonly bySender: boolean;
  readonly queues: ReadonlySet<QueueName>;
  /** How many ages, and the minutes of the first. */
  readonly buckets: number;
  readonly bucketMinutes: number;
  /** -l: every age as long as the first, not twice as long as the one before. */
  readonly isLinear: boolean;
}

export interface Shape {
  /** All of the queues. */
  readonly total: readonly number[];
  /** Domains, fullest first. The first number of each is its sum. */
  readonly domains: readonly (readonly [string, readonly number[]])[];
  /** Queue ids. */
  readonly oldest: string | undefined;
  readonly largest: string | undefined;
}

export const usualShape: Omit<ShapeOptions, 'bySender' | 'queues'> = {
  buckets: 10,
  bucketMinutes: 5,
  isLinear: false,
};

/** Recipients read at a time: some 20 ms. */
const pageLength = 5000;
const maxDomains = 20_000;
const others = '(others)';

/** Between pages other things have their turn; stops early when `isOver` says so. */
export async function measureShape(
  survey: QueueSurvey,
  active: ReadonlySet<string>,
  options: ShapeOptions,
  now: number,
  isOver: () => boolean = () => false,
): Promise<Shape> {
  const total = empty(options);
  const ends = bucketEnds(options).map((minutes) => now - minutes * 60_000);
  let counts = new Map<string, number[]>();
  let previous = '';
  let oldest: { readonly id: string; readonly arrival: number } | undefined;
  let largest: { readonly id: string; readonly size: number } | undefined;
  for (let after = 0; !isOver(); ) {
    const page = survey.recipients(options.bySender ? 'sender' : 'recipient', after, pageLength);
    for (const [, id, address, arrival, size, hold, attempts] of page) {
      // A sender counts once a message, whose recipients follow one another.
      const isCounted = options.bySender && id === previous;
      previous = id;
      if (isCounted || !options.queues.has(queueOf({ hold: hold === 1, attempts }, active.has(id)))) continue;
      if (oldest === undefined || arrival < oldest.arrival) oldest = { id, arrival };
      if (largest === undefined || size > largest.size) largest = { id, size };
      const found = ends.findIndex((end) => arrival > end);
      const bucket = found < 0 ? ends.length : found;
      count(total, bucket);
      const domain = domainOf(address, options.bySender);
      let row = counts.get(domain);
      if (row === undefined) {
        row = empty(options);
        counts.set(domain, row);
      }
      count(row, bucket);
    }
    if (counts.size > maxDomains) counts = joined(counts);
    const last = page.at(-1);
    if (last === undefined || page.length < pageLength) break;
    [after] = last;
    await new Promise(setImmediate);
  }
  return { total, domains: [...counts].toSorted(fullerFirst), oldest: oldest?.id, largest: largest?.id };
}

/** The sum, and a number for each age. */
function empty({ buckets }: ShapeOptions): number[] {
  return Array.from({ length: buckets + 1 }, () => 0);
}

function count(row: number[], bucket: number): void {
  row[0] = (row[0] ?? 0) + 1;
  row[bucket + 1] = (row[bucket + 1] ?? 0) + 1;
}

/** The ages' ends in minutes, without the last one's. */
function bucketEnds({ buckets, bucketMinutes, isLinear }: ShapeOptions): number[] {
  return Array.from({ length: buckets - 1 }, (_, index) => bucketMinutes * (isLinear ? index + 1 : 2 ** index));
}

function domainOf(address: string, isSender: boolean): string {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  return isSender && address === '' ? 'MAILER-DAEMON' : domain;
}

function fullerFirst([one, a]: [string, number[]], [other, b]: [string, number[]]): number {
  return (b[0] ?? 0) - (a[0] ?? 0) || one.length - other.length || (one < other ? -1 : 1);
}

/** The fuller half; the other half as one. */
function joined(counts: Map<string, number[]>): Map<string, number[]> {
  const ordered = [...counts].filter(([domain]) => domain !== others).toSorted(fullerFirst);
  const kept = new Map(ordered.slice(0, maxDomains / 2));
  const rest = counts.get(others) ?? [];
  for (const [, row] of ordered.slice(maxDomains / 2)) {
    row.forEach((value, index) => {
      rest[index] = (rest[index] ?? 0) + value;
    });
  }
  return kept.set(others, rest);
}

/** qshape's table; `limit` domains. */
export function formatShape(
  shape: Shape,
  options: ShapeOptions,
  limit = Number.POSITIVE_INFINITY,
  width = 80,
): string[] {
  const ends = bucketEnds(options);
  const titles = ['T', ...ends.map(String), `${ends.at(-1) ?? ''}+`];
  const rows: (readonly [string, readonly (string | number)[]])[] = [
    ['', titles],
    ['TOTAL', shape.total],
    ...shape.domains.slice(0, limit),
  ];
  const widths = titles.map((_, column) => Math.max(2, ...rows.map(([, cells]) => String(cells[column]).length)) + 1);
  const nameWidth = Math.max(18, width - widths.reduce((sum, one) => sum + one, 0));
  return rows.map(([name, cells]) => {
    const shown = name.length > nameWidth ? shortened(name, nameWidth) : name.padStart(nameWidth);
    return `${shown}${cells.map((cell, column) => String(cell).padStart(widths[column] ?? 0)).join('')}`;
  });
}

/** Its end, which tells more. */
function shortened(name: string, width: number): string {
  return `+${name.slice(name.length - width + 1)}`;
}
