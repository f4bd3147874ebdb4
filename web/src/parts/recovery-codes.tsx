// Recovery codes, which the server shows once: to be kept where the device with the app is not.

import { Alert, Button, Card, Checkbox, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './copy-button.tsx';
import { useHeldOpen } from './dialog.tsx';
import { Icon } from './icon.tsx';

interface RecoveryCodesProps {
  readonly codes: readonly string[];
  readonly login: string;
  readonly onDone: () => void;
}

export function RecoveryCodes({ codes, login, onDone }: RecoveryCodesProps) {
  const { t } = useTranslation();
  useHeldOpen();
  const [isKept, setKept] = useState(false);
  const download = () => {
    const text = `Posthaste: ${location.host}, ${login}\n\n${codes.join('\n')}\n`;
    const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = 'posthaste-recovery-codes.txt';
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <Stack>
      <Alert color="yellow" variant="light" icon={<Icon name="warning" />} title={t('Keep these recovery codes')}>
        {t('Each is good once, in place of a code of the app. Nobody can show them again.')}
      </Alert>
      <Card withBorder p="md">
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" component="ul" className="plain-list">
          {codes.map((code) => (
            <Text component="li" key={code} className="mono">
              {code}
            </Text>
          ))}
        </SimpleGrid>
      </Card>
      <Group>
        <CopyButton text={codes.join('\n')} what={t('recovery codes')} size="sm" />
        <Button size="sm" variant="default" leftSection={<Icon name="download" size={15} />} onClick={download}>
          {t('Download')}
        </Button>
      </Group>
      <Checkbox
        label={t('I have kept them in a safe place')}
        checked={isKept}
        onChange={(event) => setKept(event.currentTarget.checked)}
      />
      <Group justify="flex-end">
        <Button disabled={!isKept} onClick={onDone}>
          {t('Continue')}
        </Button>
      </Group>
    </Stack>
  );
}
