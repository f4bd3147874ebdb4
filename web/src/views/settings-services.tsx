// The services of master.cf: what runs, where it listens, and in what it differs from main.cf.

import { Badge, Code, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { type Row, useCall } from '../api.ts';
import { SmallTable } from '../parts/big-table.tsx';
import { AnchorLink } from '../parts/links.tsx';
import { Empty, NoAnswer } from '../parts/states.tsx';

type Service = Row<'service.list'>;

export function ServicesTab() {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('service.list', {}, { refetchInterval: 15_000 });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  if (data.items.length === 0) return <Empty title={t('master.cf has no service: nothing listens for mail')} />;
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {t('Services are changed in master.cf on the machine: they decide what runs there, and as whom.')}
      </Text>
      <SmallTable
        label={t('Services')}
        rows={data.items}
        keyOf={({ name, type, line }) => `${name} ${type} ${line}`}
        columns={[
          { title: t('Service'), cell: ({ name }) => <span className="mono">{name}</span> },
          { title: t('Type'), cell: ({ type }) => type },
          { title: t('Command'), cell: ({ command }) => command },
          { title: t('State'), cell: (row) => <ServiceState service={row} /> },
          { title: t('Differs in'), cell: (row) => <Overrides service={row} /> },
          { title: t('Line'), cell: ({ line }) => line, isNumber: true },
        ]}
      />
    </Stack>
  );
}

function ServiceState({ service: { state, addresses } }: { readonly service: Service }) {
  const { t } = useTranslation();
  const words: Readonly<Record<Service['state'], readonly [string, string]>> = {
    listening: [t('listens'), 'green'],
    running: [t('runs'), 'green'],
    within: [t('done within'), 'blue'],
    off: [t('does not run'), 'red'],
  };
  const [word, color] = words[state];
  return (
    <>
      <Badge color={color} variant="light" tt="none">
        {word}
      </Badge>
      {addresses.map((address) => (
        <Text key={address} size="xs" className="mono">
          {address}
        </Text>
      ))}
    </>
  );
}

function Overrides({ service: { overrides } }: { readonly service: Service }) {
  const { t } = useTranslation();
  return (
    <Stack gap={2} align="flex-start">
      {overrides.map(({ name, value }) => (
        <Text key={name} size="xs" component="div" style={{ overflowWrap: 'anywhere' }}>
          <AnchorLink size="xs" to="/settings" search={{ tab: 'parameters', name }}>
            {name}
          </AnchorLink>{' '}
          <Code>{value === '' ? t('(empty)') : value}</Code>
        </Text>
      ))}
    </Stack>
  );
}
