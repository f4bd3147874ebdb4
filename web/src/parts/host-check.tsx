// What other servers find about the host: each point good, to be mended, or not to be found out from here, with what to do.

import { Button, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { type Output, useCall } from '../api.ts';
import { CheckMark } from './check-mark.tsx';
import { NoAnswer } from './states.tsx';

type Check = Output<'host.check'>['items'][number];

export function HostCheck({ hostname }: { readonly hostname: string }) {
  const { t } = useTranslation();
  const query = useCall('host.check', { hostname }, { staleTime: 30_000, retry: false });
  if (query.data === undefined) return <NoAnswer error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <Stack gap="sm">
      <ul className="plain-list check-list" aria-label={t('What others find')}>
        {query.data.items.map((item) => (
          <Point key={`${item.check} ${item.subject}`} item={item} hostname={hostname} />
        ))}
      </ul>
      <Group>
        <Button
          variant="default"
          size="compact-sm"
          loading={query.isFetching}
          onClick={() => void query.refetch({ cancelRefetch: false })}
        >
          {t('Check again')}
        </Button>
      </Group>
    </Stack>
  );
}

function Point({ item, hostname }: { readonly item: Check; readonly hostname: string }) {
  const { title, advice } = usePoint(item, hostname);
  return (
    <li>
      <Group wrap="nowrap" align="flex-start" gap="sm">
        <CheckMark outcome={item.outcome} />
        <Stack gap={2} style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
          <Text size="sm" fw={600}>
            {title}
          </Text>
          {advice.map((line) => (
            <Text key={line} size="sm" c="dimmed">
              {line}
            </Text>
          ))}
        </Stack>
      </Group>
    </li>
  );
}

interface PointText {
  readonly title: string;
  readonly advice: readonly string[];
}

function usePoint(item: Check, hostname: string): PointText {
  const { t } = useTranslation();
  const { check, outcome, subject, found, reason = '', elsewhere = [] } = item;
  const list = found.join(', ');
  const notAsked = t('No name server gave an answer ({{reason}}). That may be this network, not your settings.', {
    reason,
  });
  if (check === 'name') {
    return outcome === 'good'
      ? { title: t('{{name}} is a complete public name', { name: subject }), advice: [] }
      : {
          title: t('{{name}} is a name of this network only', { name: subject }),
          advice: [t('Fine for a trial. To exchange mail with others, take a name below a domain of yours.')],
        };
  }
  if (check === 'addresses') {
    if (outcome === 'unknown') return { title: t('The addresses of {{name}}', { name: subject }), advice: [notAsked] };
    if (outcome === 'wrong') {
      return {
        title: t('{{name}} has no address', { name: subject }),
        advice: [t('Add an A record, and an AAAA record where there is IPv6, at whoever keeps your DNS.')],
      };
    }
    const away = t('Not of this machine: {{list}}. Right where a router stands before it.', {
      list: elsewhere.join(', '),
    });
    return {
      title: t('{{name}} has the addresses {{list}}', { name: subject, list }),
      advice: elsewhere.length > 0 ? [away] : [],
    };
  }
  if (check === 'reverse') return reversePoint(item, hostname, notAsked, t);
  if (outcome === 'good') {
    return {
      title: t('Port 25 is open for mail from other servers'),
      advice: [t('Whether a firewall stands before it only another machine can tell.')],
    };
  }
  return {
    title: t('Nothing listens on port 25 for other servers'),
    advice: [
      found.length > 0 ? t('Mail is taken on {{list}}: enough for a trial.', { list }) : t('No SMTP service runs.'),
      t('To receive mail from others, set inet_interfaces in main.cf and the port in master.cf, and restart.'),
    ],
  };
}

type Translate = ReturnType<typeof useTranslation>['t'];

function reversePoint({ outcome, subject, found }: Check, hostname: string, notAsked: string, t: Translate): PointText {
  if (outcome === 'good') return { title: t('{{address}} leads back to the name', { address: subject }), advice: [] };
  if (outcome === 'unknown') return { title: t('The name of {{address}}', { address: subject }), advice: [notAsked] };
  const advice = t('Have {{address}} named {{name}} (PTR record) by whoever gave you the address.', {
    address: subject,
    name: hostname,
  });
  return found.length === 0
    ? { title: t('{{address}} has no name', { address: subject }), advice: [advice] }
    : { title: t('{{address}} is called {{list}}', { address: subject, list: found.join(', ') }), advice: [advice] };
}
