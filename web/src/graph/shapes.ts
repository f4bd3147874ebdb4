// The shapes of lines and what stands at them, for the page and for the file that one can download.

import type { PlacedEdge, PlacedFlow, PlacedNode, Point } from './layout.ts';
import { bend, boxHeight } from './layout.ts';

export function pathOf({ points, isBack }: PlacedEdge, isOutline: boolean): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  if (isOutline) return `M${first.x} ${first.y}${rest.map(({ x, y }) => `L${x} ${y}`).join('')}`;
  const last = rest.at(-1) ?? first;
  // Over the boxes and back to where it came from.
  if (isBack) {
    const high = Math.min(first.y, last.y) - boxHeight;
    return `M${first.x} ${first.y}C${first.x + 50} ${first.y} ${first.x + 50} ${high} ${first.x} ${high}L${last.x} ${high}C${last.x - 50} ${high} ${last.x - 50} ${last.y} ${last.x - 2} ${last.y}`;
  }
  let path = `M${first.x} ${first.y}`;
  let from = first;
  for (const [at, to] of rest.entries()) {
    const isEnd = at === rest.length - 1;
    // Past a column a line is flat; between two it comes to the height of the next at once, and is flat where its words stand.
    if (at % 2 === 0 && to.y !== from.y) {
      const middle = from.x + bend / 2;
      path += `C${middle} ${from.y} ${middle} ${to.y} ${from.x + bend} ${to.y}`;
    }
    path += `L${isEnd ? to.x - 2 : to.x} ${to.y}`;
    from = to;
  }
  return path;
}

/** Where its words stand: on the flat part before its end, where lines of one beginning are apart. */
export function wordsAt({ points, isBack }: PlacedEdge, isOutline: boolean): Point {
  const last = points.at(-1) ?? { x: 0, y: 0 };
  if (isOutline) return { x: last.x + 6, y: last.y - boxHeight / 2 - 20 };
  const before = points.at(-2) ?? last;
  if (isBack) return { x: (last.x + before.x) / 2, y: Math.min(last.y, before.y) - boxHeight };
  return { x: (before.x + bend + last.x - 8) / 2, y: last.y };
}

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function isBoxIn({ x, y, width }: PlacedNode, area: Area): boolean {
  return x + width >= area.x && x <= area.x + area.width && y + boxHeight >= area.y && y <= area.y + area.height;
}

export function isLineIn({ points }: PlacedEdge, area: Area): boolean {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return right >= area.x && left <= area.x + area.width && bottom >= area.y && top <= area.y + area.height;
}

/** How much of it fits, small things as they are. */
export function fitScale(
  { width, height }: PlacedFlow,
  area: { readonly width: number; readonly height: number },
): number {
  return Math.max(0.08, Math.min(1, area.width / width, area.height / height));
}

export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** How many letters of this size fit. */
export function lettersIn(width: number, size: number): number {
  return Math.max(4, Math.floor(width / (size * 0.62)));
}

/** An address keeps both ends: the domain says as much as the name. */
export function shortenAddress(text: string, length: number): string {
  if (text.length <= length) return text;
  const tail = Math.floor((length - 1) / 2);
  return `${text.slice(0, length - 1 - tail)}…${text.slice(-tail)}`;
}
