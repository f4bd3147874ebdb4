// What did not arrive in the last days, of the mail that one may see: the newest of what waits, came back or was refused.

import { Box, Card, Group, Text, Title } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { call } from '../api.ts';
import { AnchorLink } from '../parts/links.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import { MessageButton } from './trace.tsx';

const states = ['deferred', 'bounced', 'refused'] as const;
const shownRows = 6;
const week = 7 * 86_400_000;
const refreshMilliseconds = 30_000;

export function OverviewUndelivered() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueries({
    queries: states.map((state) => ({
      queryKey: ['trace.list', 'overview', state],
      queryFn: async ({ signal }: { signal: AbortSignal }) =>
        await call('trace.list', { state, since: Date.now() - week, events: false, limit: shownRows }, { signal }),
      refetchInterval: refreshMilliseconds,
    })),
  });
  const failed = queries.find(({ error, data }) => error !== null && data === undefined);
  const rows = queries
    .flatMap(({ data }) => data?.items ?? [])
    .toSorted((a, b) => b.time - a.time)
    .slice(0, shownRows);
  return (
    <Card withBorder padding="md" h="100%">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          {t('Not delivered in the last 7 days')}
        </Title>
        <AnchorLink to="/trace" search={{ since: '7d' }} size="sm">
          {t('To the trace')}
        </AnchorLink>
      </Group>
      {failed !== undefined ? (
        <Failed error={failed.error} onRetry={() => void failed.refetch()} />
      ) : queries.some(({ isPending }) => isPending) ? (
        <Loading />
      ) : rows.length === 0 ? (
        <Text c="dimmed">{t('All mail for and from your domains has arrived.')}</Text>
      ) : (
        <Box component="ul" className="plain-list" aria-label={t('Not delivered in the last 7 days')}>
          {rows.map((row) => (
            <li key={row.queueId ?? row.session ?? row.time} className="list-row">
              <MessageButton row={row} onOpen={(id) => void navigate({ to: '/trace', search: { id } })} />
            </li>
          ))}
        </Box>
      )}
    </Card>
  );
}
