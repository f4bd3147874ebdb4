// Who administers, what programs may do in their place, and who is told of what happens.

import { Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { PageHead } from '../parts/page-head.tsx';
import { useSession } from '../session.tsx';
import { AdministratorList } from './administrator-list.tsx';
import { TokensTab } from './administrator-tokens.tsx';
import { WebhooksTab } from './webhooks-tab.tsx';

const route = getRouteApi('/shell/administrators');

export function AdministratorsView() {
  const { t } = useTranslation();
  const { role } = useSession();
  const { tab = 'people' } = route.useSearch();
  const navigate = route.useNavigate();
  // A domain's administrator has webhooks of his own, and nothing else here.
  if (role !== 'host') {
    return (
      <>
        <PageHead title={t('Webhooks')} note={t('Programs elsewhere that are told what happens in your domains')} />
        <WebhooksTab />
      </>
    );
  }
  return (
    <>
      <PageHead title={t('Administrators')} />
      <Tabs value={tab} keepMounted={false} onChange={(value) => void navigate({ search: { tab: value ?? 'people' } })}>
        <Tabs.List mb="md">
          <Tabs.Tab value="people">{t('Administrators')}</Tabs.Tab>
          <Tabs.Tab value="tokens">{t('Tokens')}</Tabs.Tab>
          <Tabs.Tab value="webhooks">{t('Webhooks')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="people">
          <AdministratorList />
        </Tabs.Panel>
        <Tabs.Panel value="tokens">
          <TokensTab />
        </Tabs.Panel>
        <Tabs.Panel value="webhooks">
          <WebhooksTab />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
