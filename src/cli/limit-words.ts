// Words that options of several commands share: a time at which something ends, and lists of words.

import { InvalidArgumentError } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { CommandError } from './context.ts';

/** A day is meant to its end, in the machine's time zone. 0: never. */
export function parseEnd(text: string): number {
  if (text === 'never') return 0;
  const days = /^(\d{1,5})d$/.exec(text);
  if (days) return systemClock.now() + Number(days[1]) * 86_400_000;
  const day = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  const time = day ? new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3]) + 1).getTime() : Number.NaN;
  if (Number.isNaN(time)) throw new InvalidArgumentError('write a day as 2026-12-31, days as 90d, or never.');
  return time;
}

/** `--protocol smtp,imap` and `--protocol smtp imap` are the same. */
export function splitWords(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(/[\s,]+/)).filter((word) => word !== '');
}

/** A number, or 0 for `unlimited`. */
export function parseCount(text: string): number {
  if (text === 'unlimited' || text === 'none') return 0;
  if (!/^\d{1,9}$/.test(text)) throw new CommandError(`"${text}" is not a limit: write a number or unlimited`, 2);
  return Number(text);
}
