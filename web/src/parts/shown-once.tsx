// A secret that the server shows once: to be copied now.

import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './copy-button.tsx';
import { useHeldOpen } from './dialog.tsx';

interface ShownOnceProps {
  readonly title: string;
  readonly secret: string;
  /** What is copied. */
  readonly what: string;
  readonly note?: ReactNode;
  readonly onDone: () => void;
}

export function ShownOnce({ title, secret, what, note, onDone }: ShownOnceProps) {
  const { t } = useTranslation();
  useHeldOpen();
  return (
    <Stack>
      <Alert color="green" variant="light" title={title}>
        <Stack gap="xs">
          <Text size="sm">{t('Copy it now: nobody can see it again.')}</Text>
          <Text className="mono" fw={700} data-secret>
            {secret}
          </Text>
          <Group>
            <CopyButton text={secret} what={what} />
          </Group>
        </Stack>
      </Alert>
      {note}
      <Group justify="flex-end">
        <Button onClick={onDone} autoFocus>
          {t('Done')}
        </Button>
      </Group>
    </Stack>
  );
}
