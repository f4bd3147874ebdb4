// What strangers see while nobody administers the host: how its setup is opened. The link itself is a secret of the host.

import { Alert, Button, Code, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Icon } from '../parts/icon.tsx';
import { Door } from '../views/login.tsx';

interface NotSetUpProps {
  /** As the host's command is typed there. */
  readonly command: string;
  /** Mailboxes and their owners may be there already, by the command line. */
  readonly onLogin: () => void;
}

export function NotSetUp({ command, onLogin }: NotSetUpProps) {
  const { t } = useTranslation();
  return (
    <Door title={t('This server is not set up yet')}>
      <Stack>
        <Text size="sm">{t('Nobody administers it yet. A link that is good once opens the setup.')}</Text>
        <HowToLink command={command} />
        <Button variant="subtle" onClick={onLogin}>
          {t('I have a mailbox here')}
        </Button>
      </Stack>
    </Door>
  );
}

export function HowToLink({ command }: { readonly command: string }) {
  const { t } = useTranslation();
  return (
    <Alert variant="light" color="gray" icon={<Icon name="key" />} title={t('Have a new link shown')}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {command.startsWith('bin/')
            ? t('Type this on the host, in the folder of Posthaste, as the user that the server runs as:')
            : t('Type this on the host, as the user that the server runs as:')}
        </Text>
        <Code style={{ overflowWrap: 'anywhere' }}>{`${command} setup-link`}</Code>
      </Stack>
    </Alert>
  );
}
