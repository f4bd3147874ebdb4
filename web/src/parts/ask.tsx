// "Really?" before what cannot be taken back, in the same words everywhere.

import { Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface Question {
  readonly title: string;
  /** What happens then. */
  readonly text: ReactNode;
  /** What one says yes to, as a verb. */
  readonly confirm: string;
  readonly isHarmless?: boolean;
}

export function useAsk(): (question: Question, onYes: () => void) => void {
  const { t } = useTranslation();
  return ({ title, text, confirm, isHarmless }, onYes) =>
    modals.openConfirmModal({
      title,
      children: (
        <Text size="sm" component="div">
          {text}
        </Text>
      ),
      labels: { confirm, cancel: t('Cancel') },
      closeButtonProps: { 'aria-label': t('Close') },
      confirmProps: isHarmless ? {} : { color: 'red' },
      onConfirm: onYes,
    });
}
