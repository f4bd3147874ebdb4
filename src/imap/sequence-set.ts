// Sequence sets (RFC 3501 §9: `1,3:5,7:*`) as ranges that are never expanded: `1:4294967295` costs what `1`
// costs. Parsed sets still hold `*`; resolving one against the largest number in use gives sorted, disjoint
// ranges.

import { ImapSyntaxError } from './syntax-error.ts';

/** Stands for `*` until the set is resolved. */
export const star = Number.POSITIVE_INFINITY;
const maxNumber = 0xffff_ffff;

/** As written: `from` and `to` may be in either order. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

export type SequenceSet = readonly NumberRange[];

export function parseSequenceSet(text: string): SequenceSet {
  const ranges: NumberRange[] = [];
  for (const piece of text.split(',')) {
    const colon = piece.indexOf(':');
    const from = parseNumber(colon === -1 ? piece : piece.slice(0, colon));
    ranges.push({ from, to: colon === -1 ? from : parseNumber(piece.slice(colon + 1)) });
  }
  return ranges;
}

/** Sorted, disjoint, ascending ranges within 1..`largest`, with `*` for `largest`. Empty where nothing is in use. */
export function resolveSequenceSet(set: SequenceSet, largest: number): NumberRange[] {
  if (largest < 1) return [];
  const ranges = set
    .map(({ from, to }) => {
      const first = from === star ? largest : from;
      const last = to === star ? largest : to;
      return { from: Math.min(first, last), to: Math.min(Math.max(first, last), largest) };
    })
    .filter((range) => range.from <= range.to)
    .toSorted((left, right) => left.from - right.from);
  const merged: NumberRange[] = [];
  for (const range of ranges) {
    const previous = merged.at(-1);
    if (previous === undefined || range.from > previous.to + 1) merged.push(range);
    else if (range.to > previous.to) merged[merged.length - 1] = { from: previous.from, to: range.to };
  }
  return merged;
}

/** True where a resolved set holds `number`. */
export function rangesInclude(ranges: readonly NumberRange[], number: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle];
    if (range === undefined) return false;
    if (number < range.from) high = middle - 1;
    else if (number > range.to) low = middle + 1;
    else return true;
  }
  return false;
}

/** `1:3,7` for numbers in their order (COPYUID pairs them, so the order is kept; RFC 4315 §3). */
export function printSequenceSet(numbers: Iterable<number>): string {
  const pieces: string[] = [];
  let from = 0;
  let to = 0;
  for (const number of numbers) {
    if (from !== 0 && number === to + 1) {
      to = number;
      continue;
    }
    if (from !== 0) pieces.push(from === to ? `${from}` : `${from}:${to}`);
    from = number;
    to = number;
  }
  if (from !== 0) pieces.push(from === to ? `${from}` : `${from}:${to}`);
  return pieces.join(',');
}

function parseNumber(text: string): number {
  if (text === '*') return star;
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new ImapSyntaxError('Invalid sequence set');
  const number = Number(text);
  if (number > maxNumber) throw new ImapSyntaxError('Number too large in sequence set');
  return number;
}
