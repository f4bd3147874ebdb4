// What stands before the door now, and what it remembers: each with the setting that decides.

import { Badge, Card, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { formatNumber } from '../parts/format.ts';
import { AnchorLink } from '../parts/links.tsx';
import { Failed, Loading } from '../parts/states.tsx';

interface Guard {
  readonly title: string;
  readonly isOn: boolean;
  readonly text: string;
  readonly remembered?: string | undefined;
  readonly setting: string;
}

export function ProtectionTab() {
  const { t } = useTranslation();
  const status = useCall('status.show', {}, { refetchInterval: 10_000 });
  const services = useCall('service.list', {});
  const lists = useCall('setting.list', { search: 'restrictions', limit: 100 });
  const sites = useCall('setting.show', { name: 'postscreen_dnsbl_sites' });
  const logins = useCall('setting.list', { search: 'posthaste_auth', limit: 100 });
  const asked = [status, services, lists, sites, logins];
  const failed = asked.find(({ error, data }) => error !== null && data === undefined);
  if (failed !== undefined) return <Failed error={failed.error} onRetry={() => void failed.refetch()} />;
  if (!status.data || !services.data || !lists.data || !sites.data || !logins.data) return <Loading />;
  const { greylisted = 0, screened = 0, refusedLogins = 0, lockouts = 0 } = status.data.defence ?? {};
  const restrictions = lists.data.items.map(({ value, expanded = value, overrides }) =>
    [expanded, ...overrides.map((one) => one.value)].join(' '),
  );
  const asks = (word: RegExp) => restrictions.some((text) => word.test(text));
  const limitOf = (name: string) => logins.data.items.find((one) => one.name === name)?.value ?? '';
  const isScreened = services.data.items.some(
    ({ command, state }) => command === 'postscreen' && state === 'listening',
  );
  const guards: readonly Guard[] = [
    {
      title: t('Wrong passwords'),
      isOn: limitOf('posthaste_auth_address_limit') !== '0',
      text: t('After {{limit}} different wrong passwords from one address it is locked out, longer each time.', {
        limit: limitOf('posthaste_auth_address_limit'),
      }),
      remembered: t('Locked out now: {{lockouts}}; refused unseen since the start: {{refused}}', {
        lockouts: formatNumber(lockouts),
        refused: formatNumber(refusedLogins),
      }),
      setting: 'posthaste_auth_address_limit',
    },
    {
      title: t('Tests before the greeting'),
      isOn: isScreened,
      text: t('A postscreen service lets new clients wait, and turns away those that cannot.'),
      remembered: t('Clients that have passed: {{number}}', { number: formatNumber(screened) }),
      setting: 'postscreen_greet_action',
    },
    {
      title: t('DNS lists'),
      isOn: (isScreened && sites.data.value !== '') || asks(/\breject_(rbl|rhsbl)_/),
      text: t('Clients and domains that others have listed are refused.'),
      setting: 'postscreen_dnsbl_sites',
    },
    {
      title: t('Greylisting'),
      isOn: asks(/\bdefer_greylisted\b/),
      text: t('Mail from unknown senders is put off for minutes: spam rarely comes back, mail servers do.'),
      remembered: t('Remembered: {{number}}', { number: formatNumber(greylisted) }),
      setting: 'posthaste_greylist_delay',
    },
  ];
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      {guards.map((guard) => (
        <GuardCard key={guard.title} guard={guard} />
      ))}
    </SimpleGrid>
  );
}

function GuardCard({ guard: { title, isOn, text, remembered, setting } }: { readonly guard: Guard }) {
  const { t } = useTranslation();
  return (
    <Card withBorder>
      <Stack gap="xs">
        <Group justify="space-between">
          <Title order={2} size="h5">
            {title}
          </Title>
          <Badge color={isOn ? 'green' : 'gray'} variant="light" tt="none">
            {isOn ? t('on') : t('off')}
          </Badge>
        </Group>
        <Text size="sm">{text}</Text>
        {isOn && remembered !== undefined ? (
          <Text size="sm" c="dimmed">
            {remembered}
          </Text>
        ) : null}
        <AnchorLink size="sm" to="/settings" search={{ name: setting }}>
          {setting}
        </AnchorLink>
      </Stack>
    </Card>
  );
}
