// By what and from where somebody has logged in lately, or has failed to.

import { Badge, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Output } from '../api.ts';
import { SmallTable } from './big-table.tsx';
import { formatAge, formatTime } from './format.ts';

type RecentLogin = Output<'account.logins'>['items'][number];

export function LoginsTable({ label, logins }: { readonly label: string; readonly logins: readonly RecentLogin[] }) {
  const { t } = useTranslation();
  const names: Readonly<Record<string, string>> = {
    smtp: t('Sending (SMTP)'),
    imap: 'IMAP',
    pop3: 'POP3',
    sieve: t('Filters (ManageSieve)'),
    http: t('This page'),
  };
  if (logins.length === 0) return <Text size="sm">{t('No login has been noted yet.')}</Text>;
  return (
    <SmallTable
      label={label}
      rows={logins}
      keyOf={({ outcome, protocol, address }) => `${outcome} ${protocol} ${address}`}
      columns={[
        {
          title: t('Result'),
          cell: ({ outcome }) =>
            outcome === 'in' ? (
              <Badge variant="light" color="green" tt="none">
                {t('logged in')}
              </Badge>
            ) : (
              <Badge variant="light" color="red" tt="none">
                {t('wrong password')}
              </Badge>
            ),
        },
        { title: t('By'), cell: ({ protocol }) => names[protocol] ?? protocol },
        { title: t('From'), cell: ({ address }) => <span className="mono">{address || t('this machine')}</span> },
        { title: t('Last'), cell: ({ time }) => <span title={formatTime(time)}>{formatAge(time)}</span> },
        { title: t('Since'), cell: ({ since }) => formatTime(since) },
      ]}
    />
  );
}
