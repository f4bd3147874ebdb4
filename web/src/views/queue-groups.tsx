// A long queue at a glance: where it wants to go, why it cannot, and whose it is. Each line leads to its messages.

import { Card, Grid, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Output } from '../api.ts';
import { BarList } from '../parts/bar-list.tsx';
import { HeatTable } from '../parts/heat-table.tsx';
import type { FilterSearch } from './queue-filters.tsx';

interface QueueGroupsProps {
  readonly summary: Output<'queue.summary'>;
  readonly search: FilterSearch;
}

export function QueueGroups({ summary, search }: QueueGroupsProps) {
  const { t } = useTranslation();
  const { reasons, senders } = summary;
  return (
    <Grid>
      <Grid.Col span={12}>
        <Group title={t('By destination and age')} note={t('Recipients that wait')}>
          <HeatTable summary={summary} rows={25} search={search} />
        </Group>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Group title={t('By the last reply')} note={t('Recipients; * stands for what differs')}>
          {reasons.length === 0 ? (
            <Text c="dimmed">{t('Nothing has been refused so far.')}</Text>
          ) : (
            <BarList
              label={t('By the last reply')}
              bars={reasons.map(({ name, recipients }) => ({
                name,
                count: recipients,
                search: { ...search, reason: name, view: 'messages' },
              }))}
            />
          )}
        </Group>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Group title={t('By sender')} note={t('Messages; <> are reports of mail servers')}>
          <BarList
            label={t('By sender')}
            bars={senders.map(({ name, messages }) => ({
              name,
              count: messages,
              search: { ...search, sender: name === '<>' ? name : `<${name}>`, view: 'messages' },
            }))}
          />
        </Group>
      </Grid.Col>
    </Grid>
  );
}

function Group({
  title,
  note,
  children,
}: {
  readonly title: string;
  readonly note: string;
  readonly children: ReactNode;
}) {
  return (
    <Card withBorder padding="md" h="100%">
      <Title order={2} size="h4">
        {title}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {note}
      </Text>
      {children}
    </Card>
  );
}
