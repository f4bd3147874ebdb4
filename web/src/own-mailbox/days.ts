// Days as a field for dates holds them (2026-12-24), and the moments at which they begin and end where the reader is. What was
// set in another time zone begins or ends within a day: as long as the field is not changed, the moment stays (`before`).

import { useTranslation } from 'react-i18next';

export function startOfDay(day: string, before?: number): number {
  if (before !== undefined && day === dayOf(before)) return before;
  return day === '' ? 0 : new Date(`${day}T00:00:00`).getTime();
}

/** When the next day begins. */
export function endOfDay(day: string, before?: number): number {
  if (day === '') return 0;
  if (before !== undefined && before > Date.now() && day === dayOf(before, -1)) return before;
  const end = new Date(`${day}T00:00:00`);
  // Not 24 hours later: some days have 23 or 25.
  end.setDate(end.getDate() + 1);
  return end.getTime();
}

/** `shift` of -1: the day that ends at this moment. */
export function dayOf(time: number | undefined, shift: 0 | -1 = 0): string {
  if (time === undefined) return '';
  const day = new Date(time + shift);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

/** Why nothing would ever be answered with these days; both may be empty. */
export function useLastDayProblem(from: string, until: string): string | undefined {
  const { t } = useTranslation();
  if (until === '') return undefined;
  if (from !== '' && until < from) return t('That is before it begins');
  return endOfDay(until) <= Date.now() ? t('That day is over already') : undefined;
}
