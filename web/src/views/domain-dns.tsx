// The records of the DNS that the domain needs for what this host does for it, as the server sees them now.

import { Alert, Badge, Button, Card, Code, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { type Output, useCall } from '../api.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Icon } from '../parts/icon.tsx';
import { NoAnswer } from '../parts/states.tsx';
import type { DomainInfo } from './domain-state.tsx';

type DnsRecord = Output<'domain.dns'>['items'][number];

export function DnsTab({ domain: { name } }: { readonly domain: DomainInfo }) {
  const { t } = useTranslation();
  const { data, error, refetch, isFetching } = useCall('domain.dns', { name }, { staleTime: 30_000 });
  if (data === undefined) {
    return (
      <NoAnswer error={error} onRetry={() => void refetch()}>
        {t('The DNS is being asked: that may take some seconds.')}
      </NoAnswer>
    );
  }
  const { items, hostname } = data;
  const areUnknown = items.every(({ state }) => state === 'unknown');
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm" c="dimmed" style={{ flex: '1 1 320px' }}>
          {t(
            'What the world must know so that mail of {{domain}} comes to {{hostname}} and what it sends is believed. Set these where the domain is registered.',
            { domain: name, hostname },
          )}
        </Text>
        <Button variant="default" loading={isFetching} onClick={() => void refetch()}>
          {t('Look again')}
        </Button>
      </Group>
      {areUnknown ? (
        <Alert color="orange" variant="light" icon={<Icon name="unknown" />} title={t('The DNS could not be asked')}>
          {t('That says nothing about the records: this host reaches no server of the DNS now.')}
        </Alert>
      ) : null}
      {items.map((record) => (
        <RecordCard key={`${record.type} ${record.name}`} record={record} />
      ))}
    </Stack>
  );
}

function RecordCard({ record }: { readonly record: DnsRecord }) {
  const { t } = useTranslation();
  const { type, name, wanted, found, state, reason } = record;
  const purpose = usePurposes()[record.purpose];
  return (
    <Card withBorder padding="md" component="section" aria-label={`${type} ${name}`}>
      <Stack gap="xs">
        <Group justify="space-between">
          <Group gap="xs">
            <Text fw={650}>{type}</Text>
            <Text className="mono" size="sm">
              {name}
            </Text>
          </Group>
          <RecordState record={record} />
        </Group>
        <Text size="sm" c="dimmed">
          {purpose}
        </Text>
        {wanted === '' ? null : (
          <Group gap="xs">
            <Text size="sm">{t('It should be')}</Text>
            <Code className="mono">{wanted}</Code>
            <CopyButton text={wanted} what={`${type} ${name}`} />
          </Group>
        )}
        {state === 'unknown' ? (
          <Text size="sm">{reason}</Text>
        ) : (
          <Group gap="xs">
            <Text size="sm">{t('There is')}</Text>
            {found.length === 0 ? <Text size="sm">{t('nothing')}</Text> : null}
            {found.map((one) => (
              <Code key={one} className="mono">
                {one}
              </Code>
            ))}
          </Group>
        )}
      </Stack>
    </Card>
  );
}

function RecordState({ record: { state, isNeeded, found } }: { readonly record: DnsRecord }) {
  const { t } = useTranslation();
  const [word, color, icon] =
    state === 'good'
      ? ([t('as it should be'), 'green', 'done'] as const)
      : state === 'unknown'
        ? ([t('could not be checked'), 'gray', 'unknown'] as const)
        : isNeeded
          ? ([found.length === 0 ? t('missing') : t('otherwise'), 'red', 'wrong'] as const)
          : ([
              found.length === 0 ? t('missing, good to have') : t('otherwise, good to have'),
              'orange',
              'warning',
            ] as const);
  return (
    <Badge variant="light" color={color} tt="none" leftSection={<Icon name={icon} size={14} />}>
      {word}
    </Badge>
  );
}

function usePurposes(): Readonly<Record<DnsRecord['purpose'], string>> {
  const { t } = useTranslation();
  return {
    mx: t('Other hosts bring mail of the domain where this points.'),
    spf: t('Says that this host may send for the domain. If others send for it too, keep them in it.'),
    address: t("This host's own name must lead to its addresses."),
    pointer: t(
      'The address must lead back to the name, or other hosts refuse its mail. It is set where the address comes from: the provider.',
    ),
    service: t('Mail programs find by it where to log in.'),
  };
}
