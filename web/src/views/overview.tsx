// The first thing an administrator sees: whether all is well, what goes on, and what waits.

import { Card, Grid, Group, Stack, Text, Title } from '@mantine/core';
import { Navigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { HeatTable } from '../parts/heat-table.tsx';
import { AnchorLink } from '../parts/links.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { NoAnswer } from '../parts/states.tsx';
import { useSession } from '../session.tsx';
import { OverviewBegin } from './overview-begin.tsx';
import { OverviewChanges } from './overview-changes.tsx';
import { DomainOverview } from './overview-domain.tsx';
import { OverviewHealth } from './overview-health.tsx';
import { OverviewMail } from './overview-mail.tsx';

export function OverviewView() {
  const { role } = useSession();
  if (role === 'user') return <Navigate to="/mailbox" replace />;
  return role === 'host' ? <HostOverview /> : <DomainOverview />;
}

function HostOverview() {
  const { t } = useTranslation();
  return (
    <>
      <PageHead title={t('Overview')} />
      <Stack gap="md">
        <OverviewHealth />
        <OverviewBegin />
        <OverviewMail />
        <Grid>
          <Grid.Col span={{ base: 12, lg: 8 }}>
            <Waiting />
          </Grid.Col>
          <Grid.Col span={{ base: 12, lg: 4 }}>
            <OverviewChanges />
          </Grid.Col>
        </Grid>
      </Stack>
    </>
  );
}

function Waiting() {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('queue.summary', {});
  return (
    <Card withBorder padding="md" h="100%">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          {t('What waits, by destination and age')}
        </Title>
        <AnchorLink to="/queue" size="sm">
          {t('To the queue')}
        </AnchorLink>
      </Group>
      {data === undefined ? (
        <NoAnswer error={error} onRetry={() => void refetch()} />
      ) : data.recipients === 0 ? (
        <Text c="dimmed">{t('Nothing waits: all mail has been delivered or passed on.')}</Text>
      ) : (
        <HeatTable summary={data} rows={8} />
      )}
    </Card>
  );
}
