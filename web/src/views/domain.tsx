// One domain: what it holds, how it is set, and where all its addresses lead.

import { Group, Tabs, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { callWithTag, keyOf } from '../api.ts';
import { formatNumber } from '../parts/format.ts';
import { AnchorLink, ButtonLink } from '../parts/links.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import { DomainState } from './domains.tsx';
import { AliasesTab } from './domain-aliases.tsx';
import { MailboxesTab } from './domain-mailboxes.tsx';
import { DomainSettingsTab } from './domain-settings.tsx';

const FlowMapTab = lazy(async () => ({ default: (await import('./domain-map.tsx')).FlowMapTab }));
const route = getRouteApi('/shell/domains/$domain');

export function DomainView() {
  const { t } = useTranslation();
  const { domain } = route.useParams();
  const { tab = 'mailboxes' } = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: keyOf('domain.show', { name: domain }),
    queryFn: ({ signal }) => callWithTag('domain.show', { name: domain }, { signal }),
  });
  if (isPending) return <Loading />;
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  const info = data.value;
  return (
    <>
      <AnchorLink to="/domains" size="sm">
        ← {t('Domains')}
      </AnchorLink>
      <PageHead title={info.name} note={<DomainState domain={info} />}>
        <ButtonLink to="/explain" search={{ address: `postmaster@${info.name}` }} variant="default">
          {t('Where does its mail go?')}
        </ButtonLink>
      </PageHead>
      {info.aliasDomains.length === 0 ? null : (
        <Text size="sm" mb="sm">
          {t('Also known as {{names}}', { names: info.aliasDomains.join(', ') })}
        </Text>
      )}
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(value) => void navigate({ search: { tab: value ?? 'mailboxes' } })}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="mailboxes" rightSection={<Count value={info.mailboxes} />}>
            {t('Mailboxes')}
          </Tabs.Tab>
          <Tabs.Tab value="aliases" rightSection={<Count value={info.aliases} />}>
            {t('Aliases')}
          </Tabs.Tab>
          <Tabs.Tab value="map">{t('Map of its mail')}</Tabs.Tab>
          <Tabs.Tab value="settings">{t('Settings')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="mailboxes">
          <MailboxesTab domain={info.name} />
        </Tabs.Panel>
        <Tabs.Panel value="aliases">
          <AliasesTab domain={info.name} />
        </Tabs.Panel>
        <Tabs.Panel value="map">
          <Suspense fallback={<Loading />}>
            <FlowMapTab domain={info.name} />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="settings">
          <DomainSettingsTab domain={info} etag={data.etag} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function Count({ value }: { readonly value: number }) {
  return (
    <Group gap={0}>
      <Text size="xs" c="dimmed">
        {formatNumber(value)}
      </Text>
    </Group>
  );
}
