// Sizes as people type and read them: 1G is 1024 MiB, 0 is unlimited.

import { CommandError } from './context.ts';

const units = ['', 'K', 'M', 'G', 'T'] as const;

/** `1G`, `500M`, `1.5G`, bytes, or `0` and `unlimited`. */
export function parseSize(text: string): number {
  if (/^(unlimited|none)$/i.test(text)) return 0;
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  const unit = units.indexOf((match?.[2] ?? '').toUpperCase() as (typeof units)[number]);
  const bytes = match ? Math.round(Number(match[1]) * 1024 ** unit) : Number.NaN;
  if (!Number.isSafeInteger(bytes)) throw new CommandError(`"${text}" is not a size: write 500M, 1G or unlimited`, 2);
  return bytes;
}

/** At most one decimal: `1.5G`, `12.0K`, `0`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = Number.isInteger(value) ? String(value) : value.toFixed(1);
  return `${digits}${units[unit] ?? ''}`;
}

export function formatQuota(bytes: number): string {
  return bytes === 0 ? 'unlimited' : formatSize(bytes);
}
