// What happened over time, as a picture and as a table.

import { Button, Card, Group, SegmentedControl, Table, Text, Title } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { formatNumber } from '../parts/format.ts';
import { fullTime, MailChart, type Series, stacked, useCountedWords } from '../parts/mail-chart.tsx';
import { NoAnswer } from '../parts/states.tsx';

const ranges = ['1h', '24h', '7d', '90d'] as const;

export function OverviewMail() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { range: word } = useSearch({ from: '/shell/' });
  const range = ranges.find((one) => one === word) ?? '24h';
  const [isTable, setTable] = useState(false);
  const zoneMinutes = -new Date().getTimezoneOffset();
  const { data, error, refetch } = useCall(
    'statistics.show',
    { range, zoneMinutes },
    { placeholderData: (before) => before, refetchInterval: 60_000 },
  );
  const words = useCountedWords();
  return (
    <Card withBorder padding="md">
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">
          {t('Mail over time')}
        </Title>
        <Group gap="xs">
          <SegmentedControl
            size="xs"
            aria-label={t('Time')}
            value={range}
            onChange={(value) => void navigate({ to: '/', search: { range: value }, replace: true })}
            data={[
              { value: '1h', label: t('1 hour') },
              { value: '24h', label: t('24 hours') },
              { value: '7d', label: t('7 days') },
              { value: '90d', label: t('90 days') },
            ]}
          />
          <Button size="xs" variant="default" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
            {isTable ? t('As a picture') : t('As a table')}
          </Button>
        </Group>
      </Group>
      {data === undefined ? (
        <NoAnswer error={error} onRetry={() => void refetch()} />
      ) : (
        <>
          <Group gap="xl" mb="sm">
            {(['accepted', ...stacked] as const).map((thing) => (
              <div key={thing}>
                <Text fz={22} fw={650} lh={1.2}>
                  {formatNumber(data.totals[thing])}
                </Text>
                <Text size="sm" c="dimmed">
                  {words[thing]}
                </Text>
              </div>
            ))}
          </Group>
          {isTable || isEmpty(data) ? <SeriesTable series={data} /> : <MailChart series={data} />}
        </>
      )}
    </Card>
  );
}

function isEmpty({ totals }: Series): boolean {
  return Object.values(totals).every((count) => count === 0);
}

function SeriesTable({ series }: { readonly series: Series }) {
  const { t } = useTranslation();
  const words = useCountedWords();
  const things = ['accepted', ...stacked] as const;
  const rows = series.points.filter((point) => things.some((thing) => point[thing] > 0)).toReversed();
  if (rows.length === 0) return <Text c="dimmed">{t('No mail in that time.')}</Text>;
  return (
    <Table.ScrollContainer minWidth={520} maxHeight={320} tabIndex={0} role="region" aria-label={t('Mail over time')}>
      <Table aria-label={t('Mail over time')} stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('From')}</Table.Th>
            {things.map((thing) => (
              <Table.Th key={thing} ta="end">
                {words[thing]}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((point) => (
            <Table.Tr key={point.time}>
              <Table.Td>{fullTime(point.time, series.range)}</Table.Td>
              {things.map((thing) => (
                <Table.Td key={thing} ta="end">
                  {formatNumber(point[thing])}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
