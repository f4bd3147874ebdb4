// How long something lasts, as the reader's language writes it: "14 min 5 sec".

import { region } from '../i18n.ts';

const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

/** The two largest units that there are of it. */
export function formatDuration(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [unit, length] of units) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0 || (parts.length === 0 && unit === 'second')) {
      const options = { style: 'unit', unit, unitDisplay: 'short' } as const;
      parts.push(new Intl.NumberFormat(region(), options).format(count));
    }
  }
  return parts.slice(0, 2).join(' ');
}
