// Numbers, sizes and times as the reader's language writes them.

import { region } from '../i18n.ts';

export function formatNumber(value: number): string {
  return new Intl.NumberFormat(region()).format(value);
}

export function formatTime(milliseconds: number): string {
  return new Intl.DateTimeFormat(region(), { dateStyle: 'medium', timeStyle: 'short' }).format(milliseconds);
}

export function formatDay(milliseconds: number): string {
  return new Intl.DateTimeFormat(region(), { dateStyle: 'full' }).format(milliseconds);
}

/** With seconds: what happened within a minute is told apart. */
export function formatTimeOfDay(milliseconds: number): string {
  return new Intl.DateTimeFormat(region(), { timeStyle: 'medium' }).format(milliseconds);
}

/** As short as it is clear: today's without the day. */
export function formatDayTime(milliseconds: number, now = Date.now()): string {
  const isToday = new Date(milliseconds).toDateString() === new Date(now).toDateString();
  const time = formatTimeOfDay(milliseconds);
  if (isToday) return time;
  const day = new Intl.DateTimeFormat(region(), { day: 'numeric', month: 'short' }).format(milliseconds);
  return `${day} ${time}`;
}

/** To the millisecond: steps of one message. */
export function formatTimeExactly(milliseconds: number): string {
  const options = { dateStyle: 'medium', timeStyle: 'medium' } as const;
  const fraction = String(Math.floor(milliseconds) % 1000).padStart(3, '0');
  return `${new Intl.DateTimeFormat(region(), options).format(milliseconds)}.${fraction}`;
}

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** In powers of 1024, as quotas are set. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  // "759 byte" is what the short one says.
  const unitDisplay = unit === 0 ? 'long' : 'short';
  const options = { style: 'unit', unit: units[unit], unitDisplay, maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(region(), options).format(value);
}

/** "2G", "500M", "1.5 G" or a number of bytes; NaN where it is none. */
export function parseBytes(text: string): number {
  const match = /^\s*(\d+(?:[.,]\d+)?)\s*([kmgt]?)(?:i?b)?\s*$/i.exec(text);
  if (match === null) return Number.NaN;
  const power = ' kmgt'.indexOf((match[2] || ' ').toLowerCase());
  return Math.round(Number(match[1]?.replace(',', '.')) * 1024 ** power);
}

const steps = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

/** "3 hours ago". */
export function formatAge(milliseconds: number, now = Date.now()): string {
  const seconds = Math.round((milliseconds - now) / 1000);
  const [unit, length] = steps.find(([, one]) => Math.abs(seconds) >= one) ?? steps[3];
  return new Intl.RelativeTimeFormat(region(), { numeric: 'auto' }).format(Math.trunc(seconds / length), unit);
}
