// What the server is doing now: where it listens, who is connected, what it accounts for.

import { Alert, Card, Group, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { type Output, useCall } from '../api.ts';
import { formatAge, formatBytes, formatNumber } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { NoAnswer } from '../parts/states.tsx';

type Status = Output<'status.show'>;

export function StatusTab() {
  const { data, error, refetch } = useCall('status.show', {}, { refetchInterval: 5_000 });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  return (
    <Stack>
      <Mismatch status={data} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Program status={data} />
        <Listeners status={data} />
        <Accounts status={data} />
      </SimpleGrid>
    </Stack>
  );
}

function Mismatch({ status: { accounting } }: { readonly status: Status }) {
  const { t } = useTranslation();
  if (accounting === undefined || accounting.mismatch === 0) return null;
  return (
    <Alert color="red" variant="light" icon={<Icon name="warning" />} title={t('The books do not agree')}>
      {t(
        'Recipients that are neither in the queue nor in any outcome: {{number}}. See posthaste accounting on the machine.',
        {
          number: formatNumber(accounting.mismatch),
        },
      )}
    </Alert>
  );
}

function Program({ status }: { readonly status: Status }) {
  const { t } = useTranslation();
  const { version, pid, uptimeSeconds, residentBytes, connections, configDirectory, dataDirectory } = status;
  return (
    <Facts
      title={t('The program')}
      rows={[
        [t('Version'), version],
        [t('Started'), formatAge(Date.now() - uptimeSeconds * 1000)],
        [t('Process'), String(pid)],
        [t('Memory'), formatBytes(residentBytes)],
        [t('SMTP connections'), formatNumber(connections.smtp)],
        [t('IMAP connections'), formatNumber(connections.imap)],
        [t('Configuration'), <span className="mono">{configDirectory}</span>],
        [t('Data'), <span className="mono">{dataDirectory}</span>],
      ]}
    />
  );
}

function Listeners({ status: { listeners } }: { readonly status: Status }) {
  const { t } = useTranslation();
  return (
    <Facts
      title={t('Listens')}
      rows={listeners.map(({ name, address }) => [name, <span className="mono">{address}</span>])}
    />
  );
}

function Accounts({ status: { accounting, queue } }: { readonly status: Status }) {
  const { t } = useTranslation();
  const rows: [string, string][] = [
    [t('Messages in the queue'), formatNumber(queue.messages)],
    [t('on hold'), formatNumber(queue.hold)],
    [t('in delivery'), formatNumber(queue.active)],
  ];
  if (accounting === undefined) return <Facts title={t('Queue')} rows={rows} />;
  return (
    <Facts
      title={t('Recipients, since the store was made')}
      rows={[
        [t('Accepted'), formatNumber(accounting.entered)],
        [t('Delivered'), formatNumber(accounting.delivered)],
        [t('Sent on'), formatNumber(accounting.forwarded)],
        [t('Relayed'), formatNumber(accounting.relayed)],
        [t('Bounced'), formatNumber(accounting.bounced)],
        [t('Discarded by a rule'), formatNumber(accounting.discarded)],
        [t('Deleted by an administrator'), formatNumber(accounting.deleted)],
        [t('Waiting in the queue'), formatNumber(accounting.queued)],
        [t('On hold'), formatNumber(accounting.held)],
      ]}
    />
  );
}

interface FactsProps {
  readonly title: string;
  readonly rows: readonly (readonly [string, ReactNode])[];
}

function Facts({ title, rows }: FactsProps) {
  return (
    <Card withBorder>
      <Group mb="xs">
        <Title order={2} size="h5">
          {title}
        </Title>
      </Group>
      <Table aria-label={title} verticalSpacing={4} withRowBorders={false}>
        <Table.Tbody>
          {rows.map(([name, value], at) => (
            // Two listeners may have one name.
            <Table.Tr key={`${name} ${at}`}>
              <Table.Th fw={400} style={{ verticalAlign: 'top' }} scope="row">
                <Text size="sm" c="dimmed" span>
                  {name}
                </Text>
              </Table.Th>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
