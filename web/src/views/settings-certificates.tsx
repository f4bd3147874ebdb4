// The certificates that the server shows: for which names, until when, and what became of those that it gets by itself.

import { Alert, Badge, Button, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { call, type Row, useCall } from '../api.ts';
import { SmallTable } from '../parts/big-table.tsx';
import { formatAge, formatTime } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { AnchorLink } from '../parts/links.tsx';
import { Empty, Failed, NoAnswer } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';

type Certificate = Row<'certificate.list'>;

export function CertificatesTab() {
  const { t } = useTranslation();
  const change = useChange();
  const { data, error, refetch } = useCall('certificate.list', {});
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  if (data.items.length === 0)
    return (
      <Empty title={t('There is no certificate yet')}>
        <Text size="sm" c="dimmed" ta="center">
          {t('Without one nobody can log in safely. An authority gives one when posthaste_acme_directory names it.')}
        </Text>
        <AnchorLink to="/settings" search={{ tab: 'parameters', name: 'posthaste_acme_directory' }}>
          posthaste_acme_directory
        </AnchorLink>
      </Empty>
    );
  const renew = (host: string) =>
    change.run(() => call('certificate.renew', { host }), t('{{host}} has a new certificate', { host }));
  return (
    <Stack>
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      {change.isBusy ? (
        <Alert variant="light" role="status">
          {t('The authority is asked. That may take a minute; you can go elsewhere meanwhile.')}
        </Alert>
      ) : null}
      {data.items.some(({ source }) => source === 'self-signed') ? (
        <Alert color="orange" variant="light" icon={<Icon name="warning" />} title={t('A certificate of its own')}>
          {t('Mail programs warn of it. An authority gives one that they know: see posthaste_acme_directory.')}{' '}
          <AnchorLink size="sm" to="/settings" search={{ tab: 'parameters', name: 'posthaste_acme_directory' }}>
            posthaste_acme_directory
          </AnchorLink>
        </Alert>
      ) : null}
      <SmallTable
        label={t('Certificates')}
        rows={data.items}
        keyOf={({ file, names }) => `${file} ${names.join()}`}
        columns={[
          { title: t('Names'), cell: ({ names }) => names.join(', ') },
          {
            title: t('Issuer'),
            cell: ({ issuer, source }) => (source === 'self-signed' ? t('itself') : (issuer ?? '')),
          },
          { title: t('Valid until'), cell: (row) => <Validity certificate={row} /> },
          { title: t('Renewal'), cell: (row) => <Renewal certificate={row} /> },
          {
            title: t('Renew'),
            cell: ({ source, names: [host] }) =>
              source === 'acme' && host !== undefined ? (
                <Button
                  size="xs"
                  variant="default"
                  aria-label={t('Renew the certificate of {{host}}', { host })}
                  disabled={change.isBusy}
                  onClick={() => void renew(host)}
                >
                  {t('Renew now')}
                </Button>
              ) : null,
          },
        ]}
      />
    </Stack>
  );
}

const week = 7 * 86_400_000;

function Validity({ certificate: { validUntil } }: { readonly certificate: Certificate }) {
  const { t } = useTranslation();
  if (validUntil === null)
    return (
      <Badge color="orange" variant="light" tt="none">
        {t('none yet')}
      </Badge>
    );
  const left = validUntil - Date.now();
  const color = left < 0 ? 'red' : left < week ? 'orange' : 'green';
  return (
    <>
      <Badge color={color} variant="light" tt="none">
        {left < 0 ? t('has ended') : formatAge(validUntil)}
      </Badge>
      <Text size="xs" c="dimmed">
        {formatTime(validUntil)}
      </Text>
    </>
  );
}

function Renewal({ certificate: { source, renewAt, nextAttemptAt, problem } }: { readonly certificate: Certificate }) {
  const { t } = useTranslation();
  if (source === 'file') return t('by whoever put the file there');
  if (source === 'self-signed') return t('by itself');
  return (
    <>
      {nextAttemptAt !== null
        ? t('tried again {{age}}', { age: formatAge(nextAttemptAt) })
        : renewAt !== null
          ? formatTime(renewAt)
          : ''}
      {problem === null ? null : (
        <Text size="xs" c="red" style={{ overflowWrap: 'anywhere' }}>
          {problem}
        </Text>
      )}
    </>
  );
}
