// A mailbox, for whoever owns it: how full it is and who reaches it, where its mail goes on to, what it answers while its owner
// is away, and passwords for programs.

import { Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { AppPasswordsTab } from '../own-mailbox/app-passwords-tab.tsx';
import { ForwardTab } from '../own-mailbox/forward-tab.tsx';
import { OverviewTab } from '../own-mailbox/overview-tab.tsx';
import { VacationTab } from '../own-mailbox/vacation-tab.tsx';
import { ClientSettings } from '../parts/client-settings.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty, NoAnswer } from '../parts/states.tsx';
import { useTagged } from '../parts/use-tagged.ts';
import { useSession } from '../session.tsx';

const route = getRouteApi('/shell/mailbox');

export function OwnMailboxView() {
  const { t } = useTranslation();
  const { role, login } = useSession();
  if (role !== 'user') {
    return <Empty title={t('An administrator has no mailbox here: log in with the address of yours')} />;
  }
  return <OwnMailbox address={login} />;
}

function OwnMailbox({ address }: { readonly address: string }) {
  const { t } = useTranslation();
  const { tab = 'overview' } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useTagged('mailbox.show', { address });
  // What is being typed stays while the server is away.
  if (query.data === undefined) return <NoAnswer error={query.error} onRetry={() => void query.refetch()} />;
  const { value: mailbox, etag } = query.data;
  return (
    <>
      <PageHead
        title={t('My mailbox')}
        note={shownNames(mailbox.name === '' ? address : `${mailbox.name} · ${address}`)}
      />
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(value) => void navigate({ search: { tab: value ?? 'overview' } })}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="overview">{t('Overview')}</Tabs.Tab>
          <Tabs.Tab value="forward">{t('Forward')}</Tabs.Tab>
          <Tabs.Tab value="vacation">{t('Vacation')}</Tabs.Tab>
          <Tabs.Tab value="app-passwords">{t('App passwords')}</Tabs.Tab>
          <Tabs.Tab value="programs">{t('Mail programs')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="overview">
          <OverviewTab mailbox={mailbox} etag={etag} />
        </Tabs.Panel>
        <Tabs.Panel value="forward">
          <ForwardTab mailbox={mailbox} etag={etag} />
        </Tabs.Panel>
        <Tabs.Panel value="vacation">
          <VacationTab mailbox={mailbox} etag={etag} />
        </Tabs.Panel>
        <Tabs.Panel value="app-passwords">
          <AppPasswordsTab address={mailbox.address} />
        </Tabs.Panel>
        <Tabs.Panel value="programs">
          <ClientSettings address={mailbox.address} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
