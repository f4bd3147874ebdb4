// The end: a message that is seen to arrive, and what a mail program must be told.

import { Card, Group, Stack, Text, Title } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useCall } from '../../api.ts';
import { ClientSettings } from '../../parts/client-settings.tsx';
import { ButtonLink } from '../../parts/links.tsx';
import { Empty, NoAnswer } from '../../parts/states.tsx';
import { TestMessage } from '../../parts/test-message.tsx';
import { StepHead } from './step-head.tsx';

const route = getRouteApi('/setup');

export function TestStep() {
  const { t } = useTranslation();
  const { mailbox, message } = route.useSearch();
  const first = useCall('mailbox.list', { limit: 1 }, { enabled: mailbox === undefined });
  if (mailbox === undefined && first.data === undefined)
    return <NoAnswer error={first.error} onRetry={() => void first.refetch()} />;
  const address = mailbox ?? first.data?.items[0]?.address;
  return (
    <>
      <StepHead title={t('See mail arrive')}>
        {t('A message goes through the queue of this host as any other, and its way is told here.')}
      </StepHead>
      {address === undefined ? <NoMailbox /> : <Test address={address} message={message} />}
    </>
  );
}

function NoMailbox() {
  const { t } = useTranslation();
  return (
    <Empty title={t('There is no mailbox yet')}>
      <ButtonLink to="/setup" search={{ step: 'domain' }}>
        {t('Add the first mailbox')}
      </ButtonLink>
    </Empty>
  );
}

function Test({ address, message }: { readonly address: string; readonly message: string | undefined }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  return (
    <Stack gap="lg">
      <Card withBorder p={{ base: 'md', sm: 'xl' }} component="section" aria-label={t('Test message')}>
        <TestMessage
          address={address}
          queueId={message}
          onSent={(id) => void navigate({ search: { step: 'test', mailbox: address, message: id }, replace: true })}
        />
      </Card>
      <Stack component="section" gap="sm" aria-label={t('For your mail program')}>
        <Title order={2} size="h4">
          {t('For your mail program')}
        </Title>
        <Text size="sm" c="dimmed">
          {t('Type this into Thunderbird, Apple Mail, Outlook or any other program, for {{address}}.', { address })}
        </Text>
        <ClientSettings address={address} />
      </Stack>
      <Group justify="flex-end">
        <ButtonLink to="/">{t('To the overview')}</ButtonLink>
      </Group>
    </Stack>
  );
}
