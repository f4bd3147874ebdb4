// Whoever is logged in: the password and what protects the account besides it, where it is logged in, and keys for programs.

import { Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { SecurityTab } from '../account/security-tab.tsx';
import { SessionsTab } from '../account/sessions-tab.tsx';
import { TokensTab } from '../account/tokens-tab.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useSession } from '../session.tsx';

const route = getRouteApi('/shell/account');

export function AccountView() {
  const { t } = useTranslation();
  const session = useSession();
  const { tab = 'security' } = route.useSearch();
  const navigate = route.useNavigate();
  const roles = {
    host: t('Administrator of the host'),
    domain: t('Administrator of domains'),
    user: t('Owner of a mailbox'),
  };
  return (
    <>
      <PageHead title={t('Account and security')} note={`${session.login} · ${roles[session.role]}`} />
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(value) => void navigate({ search: { tab: value ?? 'security' } })}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="security">{t('Password and security')}</Tabs.Tab>
          <Tabs.Tab value="sessions">{t('Sessions and logins')}</Tabs.Tab>
          <Tabs.Tab value="tokens">{t('Tokens')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="security">
          <SecurityTab />
        </Tabs.Panel>
        <Tabs.Panel value="sessions">
          <SessionsTab />
        </Tabs.Panel>
        <Tabs.Panel value="tokens">
          <TokensTab />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
