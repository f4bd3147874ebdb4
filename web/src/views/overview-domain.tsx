// The overview of a domain's administrator: his domains, whose mailboxes are nearly full, who has logged in, what was
// changed and what did not arrive.

import { Badge, Card, Grid, Group, Progress, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { type Output, useCall } from '../api.ts';
import { formatAge, formatBytes, formatNumber } from '../parts/format.ts';
import { AnchorLink } from '../parts/links.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Empty, NoAnswer } from '../parts/states.tsx';
import { OverviewChanges } from './overview-changes.tsx';
import { OverviewUndelivered } from './overview-undelivered.tsx';

/** Of a first page: who has more goes to the lists. */
const looked = 1000;
const shownRows = 8;
const nearPercent = 80;
const maxNear = 200;

export function DomainOverview() {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('domain.list', { limit: 200 });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  if (data.items.length === 0) {
    return (
      <Empty title={t('No domain is yours yet')}>
        <Text c="dimmed" ta="center">
          {t("The host's administrator gives domains to you.")}
        </Text>
      </Empty>
    );
  }
  return (
    <>
      <PageHead title={t('Overview')} />
      <Grid>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Domains domains={data.items} hasMore={data.next !== undefined} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <NearlyFull />
        </Grid.Col>
        <Grid.Col span={12}>
          <OverviewUndelivered />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <LastLogins />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <OverviewChanges />
        </Grid.Col>
      </Grid>
    </>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Card withBorder padding="md" h="100%">
      <Title order={2} size="h4" mb="xs">
        {title}
      </Title>
      {children}
    </Card>
  );
}

interface DomainsProps {
  readonly domains: Output<'domain.list'>['items'];
  readonly hasMore: boolean;
}

function Domains({ domains, hasMore }: DomainsProps) {
  const { t } = useTranslation();
  return (
    <Part title={t('Your domains')}>
      <Stack gap="xs">
        {domains.slice(0, shownRows).map(({ name, mailboxes, aliases, lists, active, postmaster }) => (
          <Group key={name} justify="space-between" gap="xs">
            <AnchorLink to="/domains/$domain" params={{ domain: name }} fw={600} style={{ overflowWrap: 'anywhere' }}>
              {name}
            </AnchorLink>
            <Group gap="xs">
              {active ? null : (
                <Badge color="red" variant="light" tt="none">
                  {t('off')}
                </Badge>
              )}
              {postmaster ? null : (
                <Badge color="orange" variant="light" tt="none">
                  {t('no postmaster')}
                </Badge>
              )}
              <Text size="sm" c="dimmed">
                {t('Mailboxes: {{mailboxes}} · Aliases: {{aliases}} · Lists: {{lists}}', {
                  mailboxes: formatNumber(mailboxes),
                  aliases: formatNumber(aliases),
                  lists: formatNumber(lists),
                })}
              </Text>
            </Group>
          </Group>
        ))}
        {domains.length > shownRows || hasMore ? <AnchorLink to="/domains">{t('All domains')}</AnchorLink> : null}
      </Stack>
    </Part>
  );
}

function NearlyFull() {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('quota.list', { minPercent: nearPercent, limit: maxNear });
  const near = (data?.items ?? []).toSorted((a, b) => (b.percent ?? 0) - (a.percent ?? 0)).slice(0, shownRows);
  return (
    <Part title={t('Nearly full')}>
      {data === undefined ? (
        <NoAnswer error={error} onRetry={() => void refetch()} />
      ) : near.length === 0 ? (
        <Text c="dimmed">
          {data.next === undefined
            ? t('No mailbox has used 80 % of its quota.')
            : t('None of the first {{number}} mailboxes has used 80 % of its quota.', { number: formatNumber(10_000) })}
        </Text>
      ) : (
        <Stack gap="xs">
          {near.map(({ address, percent, bytes, quotaBytes }) => (
            <div key={address}>
              <Group justify="space-between" gap="xs">
                <AnchorLink
                  to="/domains/$domain"
                  params={{ domain: address.slice(address.lastIndexOf('@') + 1) }}
                  search={{ tab: 'mailboxes', open: address }}
                  size="sm"
                  style={{ overflowWrap: 'anywhere' }}
                >
                  {address}
                </AnchorLink>
                <Text size="sm">
                  {t('{{used}} of {{quota}}', { used: formatBytes(bytes), quota: formatBytes(quotaBytes) })}
                </Text>
              </Group>
              <Progress
                value={Math.min(100, percent ?? 0)}
                color={(percent ?? 0) >= 95 ? 'red' : 'orange'}
                aria-label={t('{{address}}: {{percent}} % of its quota', { address, percent })}
              />
            </div>
          ))}
        </Stack>
      )}
    </Part>
  );
}

function LastLogins() {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('mailbox.list', { limit: looked });
  const logins = (data?.items ?? [])
    .flatMap(({ address, lastLogin }) => (lastLogin === undefined ? [] : [{ ...lastLogin, mailbox: address }]))
    .toSorted((a, b) => b.time - a.time)
    .slice(0, shownRows);
  const never = (data?.items ?? []).filter(({ lastLogin }) => lastLogin === undefined).length;
  return (
    <Part title={t('Last logins')}>
      {data === undefined ? (
        <NoAnswer error={error} onRetry={() => void refetch()} />
      ) : logins.length === 0 && data.next === undefined ? (
        <Text c="dimmed">{t('Nobody has logged in yet.')}</Text>
      ) : (
        <Stack gap={6}>
          {logins.map(({ mailbox, time, protocol }) => (
            <Group key={mailbox} justify="space-between" gap="xs">
              <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                {mailbox}
              </Text>
              <Text size="sm" c="dimmed">
                {t('{{protocol}}, {{age}}', { protocol, age: formatAge(time) })}
              </Text>
            </Group>
          ))}
        </Stack>
      )}
      {never > 0 && data !== undefined ? (
        <Text size="sm" c="dimmed" mt="xs">
          {t('Never logged in: {{number}}', { number: formatNumber(never) })}
        </Text>
      ) : null}
      {data?.next === undefined ? null : (
        <Text size="sm" c="dimmed">
          {t('Of the first {{number}} mailboxes.', { number: formatNumber(looked) })}
        </Text>
      )}
    </Part>
  );
}
