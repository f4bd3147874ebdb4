// The ages by which the queue is shown, as the server counts them (queue.summary), and as they stand in an address.

import { useTranslation } from 'react-i18next';

/** Seconds where one ends and the next begins. */
const ends = [300, 3600, 21_600, 86_400, 259_200] as const;

/** `3600-21600`: what stands in the address for each of them. */
export const ageWords: readonly string[] = [0, ...ends].map((start, index) => `${start}-${ends[index] ?? ''}`);

export function useAgeTitles(): readonly string[] {
  const { t } = useTranslation();
  return [t('under 5 min'), t('under 1 h'), t('under 6 h'), t('under 1 day'), t('under 3 days'), t('older')];
}

export function agesOf(word: string | undefined): { readonly minAge?: number; readonly maxAge?: number } {
  const [, start, end] = /^(\d{1,9})-(\d{0,9})$/.exec(word ?? '') ?? [];
  if (start === undefined) return {};
  return { ...(start === '0' ? {} : { minAge: Number(start) }), ...(end ? { maxAge: Number(end) } : {}) };
}
