// What stands where there is nothing to show yet, nothing at all, or nothing because something is wrong.

import { Alert, Button, Center, Loader, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '../api.ts';

export function Loading() {
  const { t } = useTranslation();
  return (
    <Center mih={160} role="status" aria-label={t('Loading')}>
      <Loader />
    </Center>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <Center mih={160}>
      <Stack align="center" gap="xs" maw={460}>
        <Title order={2} size="h4" ta="center">
          {title}
        </Title>
        {children}
      </Stack>
    </Center>
  );
}

export function Failed({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const { t } = useTranslation();
  const isUnreachable = error instanceof Problem && error.status === 0;
  return (
    <Alert color="red" variant="light" title={isUnreachable ? t('The server does not answer') : t('That did not work')}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{problemText(error)}</Text>
        {onRetry === undefined ? null : (
          <Button size="xs" variant="default" onClick={onRetry}>
            {t('Try again')}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

interface NoAnswerProps {
  readonly error: unknown;
  readonly onRetry: () => void;
  /** What is being waited for, where that may take long. */
  readonly children?: string;
}

/** What stands for an answer that has not come: loading, until there is an error to tell of. */
export function NoAnswer({ error, onRetry, children }: NoAnswerProps) {
  if (error !== null) return <Failed error={error} onRetry={onRetry} />;
  return (
    <Stack align="center" gap={0}>
      <Loading />
      {children === undefined ? null : (
        <Text size="sm" c="dimmed">
          {children}
        </Text>
      )}
    </Stack>
  );
}

export function problemText(error: unknown): string {
  if (error instanceof Problem) return error.text;
  return error instanceof Error ? error.message : String(error);
}
