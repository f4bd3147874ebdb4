// One domain: what it holds, how it is set, what the world must know of it, and where all its addresses lead.

import { Alert, Button, Group, Tabs, Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { AnchorLink, ButtonLink } from '../parts/links.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Loading, NoAnswer } from '../parts/states.tsx';
import { useTagged } from '../parts/use-tagged.ts';
import { useSession } from '../session.tsx';
import { AliasesTab } from './domain-aliases.tsx';
import { CatchAllTab } from './domain-catch-all.tsx';
import { DnsTab } from './domain-dns.tsx';
import { ListsTab } from './domain-lists.tsx';
import { MailboxesTab } from './domain-mailboxes.tsx';
import { AliasDomainsTab } from './domain-names.tsx';
import { MissingAddresses } from './domain-missing.tsx';
import { RecipientsTab } from './domain-recipients.tsx';
import { RoutesTab } from './domain-routes.tsx';
import { SendingTab } from './domain-sending.tsx';
import { DomainSettingsTab } from './domain-settings.tsx';
import { type DomainInfo, DomainState, useClassWords } from './domain-state.tsx';

const FlowMapTab = lazy(async () => ({ default: (await import('./domain-map.tsx')).FlowMapTab }));
const route = getRouteApi('/shell/domains/$domain');

interface Tab {
  readonly name: string;
  readonly title: string;
  readonly count?: number;
  readonly panel: () => ReactNode;
}

export function DomainView() {
  const { t } = useTranslation();
  const { domain } = route.useParams();
  const { tab } = route.useSearch();
  const navigate = route.useNavigate();
  const classes = useClassWords();
  const { data, error, refetch } = useTagged('domain.show', { name: domain });
  const tabs = useTabs(data?.value, data?.etag);
  if (error?.status === 404) return <NotHosted name={domain} />;
  // What is being typed stays while the server is away.
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  const info = data.value;
  const shown = tabs.find(({ name }) => name === tab) ?? tabs[0];
  return (
    <>
      <AnchorLink to="/domains" size="sm">
        ← {t('Domains')}
      </AnchorLink>
      <PageHead
        title={shownNames(info.name)}
        note={
          <Group gap="xs">
            {shownNames(info.name) === info.name ? null : (
              <Text size="sm" className="mono">
                {info.name}
              </Text>
            )}
            <Text size="sm">{t('Class: {{name}}', { name: classes[info.class].short })}</Text>
            <DomainState domain={info} />
          </Group>
        }
      >
        <ButtonLink
          to="/explain"
          search={{ address: `postmaster@${info.name}` }}
          variant="default"
          leftSection={<Icon name="explain" />}
        >
          {t('Where does its mail go?')}
        </ButtonLink>
      </PageHead>
      {info.aliasDomains.length === 0 ? null : (
        <Text size="sm" mb="sm">
          {t('Also known as {{names}}', { names: info.aliasDomains.slice(0, 10).join(', ') })}
        </Text>
      )}
      <MissingAddresses domain={info} />
      <Tabs
        value={shown?.name ?? null}
        keepMounted={false}
        onChange={(value) => void navigate({ search: value === null ? {} : { tab: value } })}
      >
        <Tabs.List mb="md" className="long-tabs">
          {tabs.map(({ name, title, count }) => (
            <Tabs.Tab key={name} value={name} rightSection={count === undefined ? null : <Count value={count} />}>
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map(({ name, panel }) => (
          <Tabs.Panel key={name} value={name}>
            {name === shown?.name ? panel() : null}
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  );
}

/** Those that a domain of this class has, and that this administrator may look at. */
function useTabs(info: DomainInfo | undefined, etag: string | undefined): readonly Tab[] {
  const { t } = useTranslation();
  const { role } = useSession();
  if (info === undefined) return [];
  const { name } = info;
  const ofMailboxes: readonly Tab[] = [
    {
      name: 'mailboxes',
      title: t('Mailboxes'),
      count: info.mailboxes,
      panel: () => <MailboxesTab domain={info} />,
    },
  ];
  const lists: Tab = { name: 'lists', title: t('Lists'), count: info.lists, panel: () => <ListsTab domain={name} /> };
  const recipients: Tab = {
    name: 'recipients',
    title: t('Recipients'),
    panel: () => <RecipientsTab domain={info} />,
  };
  return [
    ...(info.class === 'mailbox' ? ofMailboxes : []),
    ...(info.class === 'relay' ? [recipients] : []),
    {
      name: 'aliases',
      title: t('Aliases'),
      count: info.aliases,
      panel: () => <AliasesTab domain={name} />,
    },
    { name: 'catch-all', title: t('Catch-all'), panel: () => <CatchAllTab domain={name} /> },
    ...(info.class === 'mailbox' ? [lists] : []),
    {
      name: 'names',
      title: t('Alias domains'),
      count: info.aliasDomains.length,
      panel: () => <AliasDomainsTab domain={info} />,
    },
    ...(info.class === 'relay'
      ? []
      : [{ name: 'sending', title: t('Sending'), panel: () => <SendingTab domain={name} /> }]),
    ...(role === 'host' ? [{ name: 'routes', title: t('Routes'), panel: () => <RoutesTab domain={name} /> }] : []),
    { name: 'dns', title: t('DNS'), panel: () => <DnsTab domain={info} /> },
    {
      name: 'map',
      title: t('Map of its mail'),
      panel: () => (
        <Suspense fallback={<Loading />}>
          <FlowMapTab domain={name} />
        </Suspense>
      ),
    },
    { name: 'settings', title: t('Settings'), panel: () => <DomainSettingsTab domain={info} etag={etag} /> },
  ];
}

function NotHosted({ name }: { readonly name: string }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  return (
    <>
      <PageHead title={shownNames(name)} />
      <Alert color="orange" variant="light" title={t('There is no such domain here, or it is not yours')}>
        <Button variant="default" size="xs" onClick={() => void navigate({ to: '/domains' })}>
          {t('To the domains')}
        </Button>
      </Alert>
    </>
  );
}

function Count({ value }: { readonly value: number }) {
  return (
    <Text component="span" size="xs" c="dimmed">
      {formatNumber(value)}
    </Text>
  );
}
