// Dates in commands (RFC 3501 §9): `date-time` of APPEND and `date` of SEARCH.

import type { ArgumentReader } from './argument-reader.ts';
import { ImapSyntaxError } from './syntax-error.ts';

export interface CalendarDate {
  readonly year: number;
  /** 1-12. */
  readonly month: number;
  readonly day: number;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const dateTimePattern = /^([ \d]\d|\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/;
const datePattern = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/;

/** APPEND's `"21-Nov-2026 11:42:00 +0100"` in milliseconds since 1970. */
export function parseDateTime(text: string): number {
  const match = dateTimePattern.exec(text);
  if (match === null) throw new ImapSyntaxError('Invalid date-time');
  const [, day = '', month = '', year, hour, minute, second, sign, zoneHours, zoneMinutes] = match;
  const { month: monthNumber } = calendarDate(day.trim(), month, year ?? '');
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === '-' ? -60_000 : 60_000);
  return Date.UTC(Number(year), monthNumber - 1, Number(day), Number(hour), Number(minute), Number(second)) - zone;
}

/** SEARCH's `21-Nov-2026`, quoted or not. */
export function readDate(reader: ArgumentReader): CalendarDate {
  const match = datePattern.exec(reader.astring());
  if (match === null) throw new ImapSyntaxError('Invalid date');
  const [, day = '', month = '', year = ''] = match;
  return calendarDate(day, month, year);
}

/** Days order as numbers. */
export function dayNumber(date: CalendarDate): number {
  return (date.year * 12 + date.month) * 31 + date.day;
}

function calendarDate(day: string, monthName: string, year: string): CalendarDate {
  const month = months.indexOf(monthName.toLowerCase()) + 1;
  const dayOfMonth = Number(day);
  if (month === 0 || dayOfMonth < 1 || dayOfMonth > 31) throw new ImapSyntaxError('Invalid date');
  return { year: Number(year), month, day: dayOfMonth };
}
