// Lock-outs, which can be lifted, and the failed logins that lead to them.

import { Badge, Button, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { call, type Row, useCall } from '../api.ts';
import { SmallTable } from '../parts/big-table.tsx';
import { formatAge, formatNumber, formatTime } from '../parts/format.ts';
import { Empty, Failed, NoAnswer } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';

type Lockout = Row<'lockout.list'>;
type FailedLogin = Row<'lockout.failures'>;

const refetchInterval = 10_000;
/** What a person looks through; the newest first. */
const maxShown = 300;

export function LockoutsTab() {
  const { t } = useTranslation();
  const change = useChange();
  const { data, error, refetch } = useCall('lockout.list', {}, { refetchInterval });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  if (data.items.length === 0)
    return (
      <Empty title={t('Nobody is locked out')}>
        <Text size="sm" c="dimmed" ta="center">
          {t('Who tries too many wrong passwords may not log in for a while. It shows here, and can be lifted.')}
        </Text>
      </Empty>
    );
  const lift = ({ subject }: Lockout) =>
    change.run(() => call('lockout.remove', { subject }), t('{{subject}} may log in again', { subject }));
  return (
    <Stack>
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      <SmallTable
        label={t('Locked out')}
        rows={data.items.slice(0, maxShown)}
        keyOf={({ kind, subject }) => `${kind} ${subject}`}
        columns={[
          { title: t('Who'), cell: ({ subject }) => <Stranger text={subject} /> },
          { title: t('Why'), cell: (row) => <Why lockout={row} /> },
          { title: t('Since'), cell: ({ since }) => formatAge(since) },
          { title: t('Until'), cell: ({ until }) => formatTime(until) },
          {
            title: t('Lift'),
            cell: (row) => (
              <Button
                size="xs"
                variant="default"
                aria-label={t('Lift the lock-out of {{subject}}', { subject: row.subject })}
                onClick={() => void lift(row)}
              >
                {t('Lift')}
              </Button>
            ),
          },
        ]}
      />
      <More count={data.items.length} />
    </Stack>
  );
}

function Why({ lockout: { kind, times } }: { readonly lockout: Lockout }) {
  const { t } = useTranslation();
  const words: Readonly<Record<Lockout['kind'], string>> = {
    address: t('Too many wrong passwords from this address'),
    network: t('Too many wrong passwords from this network'),
    account: t('Too many wrong passwords for this account'),
    'account-network': t('Too many wrong passwords for this account from a network of its own'),
  };
  return (
    <>
      {words[kind]}
      {times > 1 ? (
        <Badge ml={6} color="orange" variant="light" tt="none">
          {t('time {{count}} within a day', { count: times })}
        </Badge>
      ) : null}
    </>
  );
}

export function FailedLoginsTab() {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('lockout.failures', {}, { refetchInterval });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  if (data.items.length === 0)
    return (
      <Empty title={t('No login has failed since the server was started')}>
        <Text size="sm" c="dimmed" ta="center">
          {t('The last 500 are kept here; the log has them all.')}
        </Text>
      </Empty>
    );
  return (
    <Stack>
      <SmallTable
        label={t('Failed logins')}
        rows={data.items.slice(0, maxShown)}
        keyOf={({ account, address, protocol }: FailedLogin) => `${protocol} ${address} ${account}`}
        columns={[
          { title: t('Account'), cell: ({ account }) => <Stranger text={account} /> },
          { title: t('From'), cell: ({ address }) => <Stranger text={address} /> },
          { title: t('By'), cell: ({ protocol }) => protocol },
          { title: t('Times'), cell: ({ times }) => formatNumber(times), isNumber: true },
          { title: t('First'), cell: ({ first }) => formatAge(first) },
          { title: t('Last'), cell: ({ last }) => formatAge(last) },
        ]}
      />
      <More count={data.items.length} />
    </Stack>
  );
}

/** What somebody outside has typed. */
function Stranger({ text }: { readonly text: string }) {
  return (
    <Text size="sm" span className="mono">
      {text}
    </Text>
  );
}

function More({ count }: { readonly count: number }) {
  const { t } = useTranslation();
  if (count <= maxShown) return null;
  return (
    <Text size="sm" c="dimmed">
      {t('{{shown}} of {{count}} are shown.', { shown: formatNumber(maxShown), count: count })}
    </Text>
  );
}
