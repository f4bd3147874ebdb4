// Who may not log in for now, who sends as never before, and whose logins have failed. A domain's administrator sees what
// concerns the own accounts.

import { Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { PageHead } from '../parts/page-head.tsx';
import { useSession } from '../session.tsx';
import { AlarmsTab } from './defence-alarms.tsx';
import { FailedLoginsTab, LockoutsTab } from './defence-lockouts.tsx';
import { ProtectionTab } from './defence-protection.tsx';

const route = getRouteApi('/shell/defence');

export function DefenceView() {
  const { t } = useTranslation();
  const { role } = useSession();
  const { tab = 'lockouts' } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <>
      <PageHead
        title={t('Logins and attacks')}
        note={role === 'host' ? undefined : t('What concerns the accounts of your domains')}
      />
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(value) => void navigate({ search: { tab: value ?? 'lockouts' } })}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="lockouts">{t('Locked out')}</Tabs.Tab>
          <Tabs.Tab value="alarms">{t('Alarms')}</Tabs.Tab>
          <Tabs.Tab value="failures">{t('Failed logins')}</Tabs.Tab>
          {role === 'host' ? <Tabs.Tab value="protection">{t('Protection')}</Tabs.Tab> : null}
        </Tabs.List>
        <Tabs.Panel value="lockouts">
          <LockoutsTab />
        </Tabs.Panel>
        <Tabs.Panel value="alarms">
          <AlarmsTab />
        </Tabs.Panel>
        <Tabs.Panel value="failures">
          <FailedLoginsTab />
        </Tabs.Panel>
        {role === 'host' ? (
          <Tabs.Panel value="protection">
            <ProtectionTab />
          </Tabs.Panel>
        ) : null}
      </Tabs>
    </>
  );
}
