// What to type into a mail program to use a mailbox: the listeners that run, the best one first of each kind.

import { Alert, Badge, Card, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { type Output, useCall } from '../api.ts';
import { Icon } from './icon.tsx';
import { NoAnswer } from './states.tsx';

type Setting = Output<'mailbox.client-settings'>['items'][number];

export function ClientSettings({ address }: { readonly address: string }) {
  const { t } = useTranslation();
  const query = useCall('mailbox.client-settings', { address });
  if (query.data === undefined) return <NoAnswer error={query.error} onRetry={() => void query.refetch()} />;
  const { items, login, isSelfSigned } = query.data;
  const receiving = items.filter(({ protocol }) => protocol !== 'submission');
  const sending = items.filter(({ protocol }) => protocol === 'submission');
  return (
    <Stack>
      {items.some(({ isLocal }) => isLocal) ? (
        <Alert color="blue" variant="light" icon={<Icon name="warning" />}>
          {t('The server listens for this machine only: a program elsewhere cannot reach it yet.')}
        </Alert>
      ) : null}
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Kind title={t('To receive mail')} items={receiving} login={login} />
        <Kind title={t('To send mail')} items={sending} login={login} />
      </SimpleGrid>
      {isSelfSigned ? (
        <Text size="sm" c="dimmed">
          {t('The certificate is self-signed: programs ask once whether to trust it.')}
        </Text>
      ) : null}
    </Stack>
  );
}

function Kind({ title, items, login }: { title: string; items: readonly Setting[]; login: string }) {
  const { t } = useTranslation();
  return (
    <Card withBorder component="section" aria-label={title}>
      <Stack gap="sm">
        <Title order={3} size="h5">
          {title}
        </Title>
        {items.length === 0 ? <Text size="sm">{t('Nothing listens for that.')}</Text> : null}
        {items.map((item, at) => (
          <One key={`${item.protocol} ${item.port}`} item={item} login={login} isFirst={at === 0} />
        ))}
      </Stack>
    </Card>
  );
}

function One({ item, login, isFirst }: { item: Setting; login: string; isFirst: boolean }) {
  const { t } = useTranslation();
  const names = { imap: 'IMAP', pop3: 'POP3', submission: 'SMTP' } as const;
  const modes = {
    tls: t('SSL/TLS'),
    starttls: t('STARTTLS'),
    none: t('None: passwords can be read on the way'),
  };
  const rows = [
    [t('Server'), item.host],
    [t('Port'), String(item.port)],
    [t('Encryption'), modes[item.security]],
    [t('User name'), login],
    [t('Password'), t('that of the mailbox, or an app password')],
  ] as const;
  return (
    <Stack
      gap={6}
      pt={isFirst ? 0 : 'sm'}
      style={isFirst ? {} : { borderTop: '1px solid var(--mantine-color-default-border)' }}
    >
      <Group gap="xs">
        <Text fw={600}>{names[item.protocol]}</Text>
        {isFirst ? <Badge variant="light">{t('Recommended')}</Badge> : null}
      </Group>
      <dl className="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Stack>
  );
}
