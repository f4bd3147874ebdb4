// Where one is logged in by a browser, this one marked, each to be ended; and the last logins of any kind.

import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { call, type Row, useCall } from '../api.ts';
import { SmallTable } from '../parts/big-table.tsx';
import { formatAge, formatTime } from '../parts/format.ts';
import { LoginsTable } from '../parts/logins-table.tsx';
import { programName } from '../parts/program-name.ts';
import { Section } from '../parts/section.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';

export function SessionsTab() {
  const { t } = useTranslation();
  const logins = useCall('account.logins', {});
  return (
    <Stack>
      <SessionsSection />
      <Section
        title={t('Recent logins')}
        note={t('One line for each way and address. Do you know them all? If not, change the password.')}
      >
        {logins.isPending ? <Loading /> : null}
        {logins.error === null ? null : <Failed error={logins.error} onRetry={() => void logins.refetch()} />}
        {logins.data === undefined ? null : <LoginsTable label={t('Recent logins')} logins={logins.data.items} />}
      </Section>
    </Stack>
  );
}

type BrowserSession = Row<'account.sessions'>;

function SessionsSection() {
  const { t } = useTranslation();
  const sessions = useCall('account.sessions', {});
  const change = useChange();
  const rows = [...(sessions.data?.items ?? [])].sort((one, other) => Number(other.isThis) - Number(one.isThis));
  const end = ({ id }: BrowserSession) =>
    void change.run(() => call('account.session-remove', { id }), t('The session has ended'));
  const endOthers = () =>
    void change.run(() => call('account.sessions-remove', {}), t('All other sessions have ended'));
  return (
    <Section
      title={t('Sessions of this page')}
      note={t('A session ends by itself after twelve hours, or two without use.')}
    >
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      {sessions.isPending ? <Loading /> : null}
      {sessions.error === null ? null : <Failed error={sessions.error} onRetry={() => void sessions.refetch()} />}
      {rows.length === 0 ? null : (
        <SmallTable
          label={t('Sessions of this page')}
          rows={rows}
          keyOf={({ id }) => id}
          columns={[
            { title: t('With'), cell: (row) => <Program row={row} /> },
            { title: t('From'), cell: ({ address }) => <span className="mono">{address}</span> },
            { title: t('Began'), cell: ({ created }) => formatTime(created) },
            { title: t('Last use'), cell: ({ seen }) => formatAge(seen) },
            {
              title: t('Action'),
              isNumber: true,
              cell: (row) =>
                row.isThis ? null : (
                  <Button
                    size="compact-sm"
                    variant="subtle"
                    color="red"
                    aria-label={t('End the session from {{address}}, began {{time}}', {
                      address: row.address,
                      time: formatTime(row.created),
                    })}
                    onClick={() => end(row)}
                  >
                    {t('End')}
                  </Button>
                ),
            },
          ]}
        />
      )}
      {rows.length > 1 ? (
        <Group>
          <Button variant="light" color="red" loading={change.isBusy} onClick={endOthers}>
            {t('End all others')}
          </Button>
        </Group>
      ) : null}
    </Section>
  );
}

function Program({ row }: { readonly row: BrowserSession }) {
  const { t } = useTranslation();
  const { browser, system } = programName(row.program);
  return (
    <Group gap="xs" wrap="nowrap">
      <Text size="sm">{system === undefined ? browser : t('{{browser}} on {{system}}', { browser, system })}</Text>
      {row.isThis ? (
        <Badge variant="light" tt="none">
          {t('this one')}
        </Badge>
      ) : null}
    </Group>
  );
}
