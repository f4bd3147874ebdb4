// The host's settings: parameters, services, what lint says of them, certificates, and what runs where.

import { Alert, Tabs, Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { Icon } from '../parts/icon.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useRestartWords } from '../parts/restart-words.ts';
import { Empty } from '../parts/states.tsx';
import { useSession } from '../session.tsx';
import { CertificatesTab } from './settings-certificates.tsx';
import { FindingsTab } from './settings-findings.tsx';
import { ParametersTab } from './settings-parameters.tsx';
import { ServicesTab } from './settings-services.tsx';
import { StatusTab } from './settings-status.tsx';

const route = getRouteApi('/shell/settings');

export function SettingsView() {
  const { t } = useTranslation();
  const { role } = useSession();
  const { tab = 'parameters' } = route.useSearch();
  const navigate = route.useNavigate();
  if (role !== 'host') return <Empty title={t("The settings are the host's.")} />;
  return (
    <>
      <PageHead title={t('Settings')} note={t('main.cf and master.cf, in the words of Postfix')} />
      <Waiting />
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(value) => void navigate({ search: { tab: value ?? 'parameters' } })}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="parameters">{t('Parameters')}</Tabs.Tab>
          <Tabs.Tab value="findings">{t('Findings')}</Tabs.Tab>
          <Tabs.Tab value="services">{t('Services')}</Tabs.Tab>
          <Tabs.Tab value="certificates">{t('Certificates')}</Tabs.Tab>
          <Tabs.Tab value="status">{t('Status')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="parameters">
          <ParametersTab />
        </Tabs.Panel>
        <Tabs.Panel value="findings">
          <FindingsTab />
        </Tabs.Panel>
        <Tabs.Panel value="services">
          <ServicesTab />
        </Tabs.Panel>
        <Tabs.Panel value="certificates">
          <CertificatesTab />
        </Tabs.Panel>
        <Tabs.Panel value="status">
          <StatusTab />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

/** What has been changed and counts only after a restart. */
function Waiting() {
  const { t } = useTranslation();
  const wordsOf = useRestartWords();
  const { data } = useCall('setting.state', {});
  if (data === undefined || data.restart.length === 0) return null;
  return (
    <Alert mb="md" color="orange" variant="light" icon={<Icon name="warning" />} title={t('Waits for a restart')}>
      {data.restart.slice(0, 5).map((text) => (
        <Text size="sm" key={text}>
          {wordsOf(text)}
        </Text>
      ))}
    </Alert>
  );
}
