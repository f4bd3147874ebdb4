// A secret that was made just now and that nobody can see again: shown, copied, gone.

import { Alert, Button, CopyButton, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useHeldOpen } from './dialog.tsx';

interface SecretOnceProps {
  readonly title: string;
  /** What it is. */
  readonly text: string;
  readonly secret: string;
  readonly onClose: () => void;
}

export function SecretOnce({ title, text, secret, onClose }: SecretOnceProps) {
  const { t } = useTranslation();
  useHeldOpen();
  return (
    <Stack>
      <Alert color="green" variant="light" title={title}>
        <Text size="sm">{text}</Text>
        <Text className="mono" fw={700} my="xs">
          {secret}
        </Text>
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" onClick={copy}>
              {copied ? t('Copied') : t('Copy')}
            </Button>
          )}
        </CopyButton>
      </Alert>
      <Group justify="flex-end">
        <Button onClick={onClose} autoFocus>
          {t('Done')}
        </Button>
      </Group>
    </Stack>
  );
}
