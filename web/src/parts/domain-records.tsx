// The DNS records with which others find a domain's mail server and believe what it sends. Only those whose feature works.

import { Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './copy-button.tsx';

interface DomainRecordsProps {
  readonly domain: string;
  readonly hostname: string;
}

export function DomainRecords({ domain, hostname }: DomainRecordsProps) {
  const { t } = useTranslation();
  const records = [
    { type: 'MX', value: `10 ${hostname}.`, why: t('Mail for the domain comes to this host (RFC 5321).') },
    {
      type: 'TXT',
      value: `v=spf1 mx a:${hostname} ~all`,
      why: t('Mail from the domain comes from this host (SPF, RFC 7208).'),
    },
  ];
  return (
    <ul className="plain-list check-list" aria-label={t('DNS records')}>
      {records.map(({ type, value, why }) => (
        <li key={type}>
          <Stack gap={2}>
            <Group gap="sm" justify="space-between" align="center">
              <Text size="sm" className="mono">
                {domain}. {type} {type === 'TXT' ? `"${value}"` : value}
              </Text>
              <CopyButton text={value} what={type} />
            </Group>
            <Text size="sm" c="dimmed">
              {why}
            </Text>
          </Stack>
        </li>
      ))}
    </ul>
  );
}
