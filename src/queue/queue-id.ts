// Queue ids in Postfix's long form (enable_long_queue_ids): the second and the microsecond in base 52, `z`, and a
// number in base 51; only letters and digits, no vowels, sortable by time. Unique within the process because no
// microsecond is given twice, and between restarts because the last part is drawn at random for each start.

import { randomInt } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';

/** Without vowels, so that no id is a word. */
const digits = '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';
/** `z` separates, so the part behind it goes without. */
const inodeBase = 51;
const secondLength = 6;
const microsecondLength = 4;

export class QueueIds {
  readonly #clock: Clock;
  readonly #suffix = `z${encode(randomInt(inodeBase ** 3, inodeBase ** 4), inodeBase, 4)}`;
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(): string {
    const now = Math.floor(this.#clock.now() * 1000);
    // A clock that was set back does not repeat an id.
    this.#last = Math.max(now, this.#last + 1);
    const seconds = Math.floor(this.#last / 1_000_000);
    const microseconds = this.#last % 1_000_000;
    return encode(seconds, 52, secondLength) + encode(microseconds, 52, microsecondLength) + this.#suffix;
  }
}

function encode(value: number, base: number, length: number): string {
  let text = '';
  for (let rest = value; rest > 0 || text.length < length; rest = Math.floor(rest / base)) {
    text = digits.charAt(rest % base) + text;
  }
  return text;
}

/** When a message got this id, in milliseconds since 1970; undefined for what is no id of the long form. */
export function queueIdTime(id: string): number | undefined {
  if (!/^[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]{10,}z[0-9A-Za-z]+$/.test(id)) return undefined;
  const decode = (text: string) =>
    [...Buffer.from(text, 'latin1')].reduce(
      (value, code) => value * digits.length + digits.indexOf(String.fromCharCode(code)),
      0,
    );
  const seconds = decode(id.slice(0, secondLength));
  const microseconds = decode(id.slice(secondLength, secondLength + microsecondLength));
  return seconds * 1000 + microseconds / 1000;
}
