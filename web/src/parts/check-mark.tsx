// One of three outcomes as a mark and a word: good, not so, could not be found out. The colour is never the only sign.

import { ThemeIcon } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Icon } from './icon.tsx';

export type Outcome = 'good' | 'wrong' | 'unknown';

const marks = {
  good: { icon: 'done', color: 'green' },
  wrong: { icon: 'warning', color: 'orange' },
  unknown: { icon: 'unknown', color: 'gray' },
} as const;

export function CheckMark({ outcome }: { readonly outcome: Outcome }) {
  const { t } = useTranslation();
  const { icon, color } = marks[outcome];
  const words = { good: t('Good'), wrong: t('To do'), unknown: t('Could not check') };
  return (
    <>
      <ThemeIcon variant="light" color={color} size={28} radius="xl" aria-hidden>
        <Icon name={icon} size={16} />
      </ThemeIcon>
      <span className="visually-hidden">{words[outcome]}:</span>
    </>
  );
}
