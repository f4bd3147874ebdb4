// Somebody has been locked out: how long it still lasts, and what to do meanwhile.

import { Alert, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatDuration } from '../parts/duration.ts';

export function LockedOut({ until, onOver }: { readonly until: number; readonly onOver: () => void }) {
  const { t } = useTranslation();
  const left = useSecondsLeft(until, onOver);
  if (left <= 0) return null;
  return (
    <Alert color="orange" variant="light" title={t('Too many wrong passwords')} role="alert">
      <Text size="sm">{t('Nobody can log in from here just now. Try again in:')}</Text>
      {/* Said once, not each second. */}
      <Text fw={700} role="timer" aria-live="off">
        {formatDuration(left)}
      </Text>
      <Text size="sm">{t('An administrator of the host can lift the lock-out before that.')}</Text>
    </Alert>
  );
}

function useSecondsLeft(until: number, onOver: () => void): number {
  const [left, setLeft] = useState(() => Math.ceil((until - Date.now()) / 1000));
  useEffect(() => {
    const timer = setInterval(() => {
      const now = Math.ceil((until - Date.now()) / 1000);
      setLeft(now);
      if (now <= 0) onOver();
    }, 1000);
    return () => clearInterval(timer);
  }, [until, onOver]);
  return left;
}
