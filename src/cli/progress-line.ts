// How far a long command is: one line on the terminal that is written over, nothing where standard error is a file.

import { systemClock } from '../lib/clock.ts';

const everyMilliseconds = 100;
const barWidth = 24;

export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  #shownAt = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  show(what: string, done: number, count: number | undefined): void {
    if (!this.#stream.isTTY) return;
    const now = systemClock.monotonic();
    if (now - this.#shownAt < everyMilliseconds) return;
    this.#shownAt = now;
    this.#isShown = true;
    this.#stream.write(`\r${this.#line(what, done, count)}\u001b[K`);
  }

  #line(what: string, done: number, count: number | undefined): string {
    const width = Math.max(20, (this.#stream.columns || 80) - 1);
    const numbers = count === undefined ? String(done) : `${done}/${count}`;
    const share = count === undefined || count === 0 ? 0 : Math.min(1, done / count);
    const full = Math.round(share * barWidth);
    const bar = count === undefined ? '' : `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] `;
    // The terminal is not to be told anything by a folder's name.
    const plain = what.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?');
    return `${bar}${numbers} ${plain}`.slice(0, width);
  }

  /** Takes the line away, for what is printed next. */
  clear(): void {
    if (this.#isShown) this.#stream.write('\r\u001b[K');
    this.#isShown = false;
    this.#shownAt = Number.NEGATIVE_INFINITY;
  }
}
