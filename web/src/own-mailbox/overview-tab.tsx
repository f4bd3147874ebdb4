// How full the mailbox is, which addresses reach it, what happens to its mail, and who has logged in lately.

import { Alert, Badge, Button, Group, Progress, Stack, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { call, type Output, useCall } from '../api.ts';
import { SmallTable } from '../parts/big-table.tsx';
import { DraftState, Form, useDraft } from '../parts/form.tsx';
import { formatBytes, formatNumber, formatTime } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { AnchorLink } from '../parts/links.tsx';
import { LoginsTable } from '../parts/logins-table.tsx';
import { Section } from '../parts/section.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';

export type Mailbox = Output<'mailbox.show'>;

export interface OwnMailboxProps {
  readonly mailbox: Mailbox;
  readonly etag: string | undefined;
}

export function OverviewTab({ mailbox, etag }: OwnMailboxProps) {
  return (
    <Stack>
      <WhatHappens mailbox={mailbox} />
      <RoomSection address={mailbox.address} />
      <AddressesSection address={mailbox.address} />
      <LoginsSection address={mailbox.address} />
      <NameSection mailbox={mailbox} etag={etag} />
    </Stack>
  );
}

/** What one has set and may have forgotten. */
function WhatHappens({ mailbox }: { readonly mailbox: Mailbox }) {
  const { t } = useTranslation();
  const { forward, vacation, maintenance } = mailbox;
  const isOver = vacation?.until !== undefined && vacation.until <= Date.now();
  return (
    <>
      {maintenance === undefined ? null : (
        <Alert color="orange" variant="light" icon={<Icon name="warning" />} title={t('New mail is put off for now')}>
          {maintenance}
        </Alert>
      )}
      {forward === undefined ? null : (
        <Alert color="blue" variant="light" icon={<Icon name="explain" />} title={t('Mail is forwarded')}>
          <Group justify="space-between">
            <Text size="sm">
              {forward.mode === 'both'
                ? t('A copy stays here, and one goes to:')
                : t('Nothing stays here; all goes to:')}{' '}
              <strong>{forward.to.join(', ')}</strong>
            </Text>
            <AnchorLink to="/mailbox" search={{ tab: 'forward' }} size="sm">
              {t('Change it')}
            </AnchorLink>
          </Group>
        </Alert>
      )}
      {vacation === undefined || isOver ? null : (
        <Alert
          color="blue"
          variant="light"
          icon={<Icon name="light" />}
          title={t('Mail is answered while you are away')}
        >
          <Group justify="space-between">
            <Text size="sm">
              {vacation.until === undefined
                ? t('Without an end.')
                : t('Until {{time}}.', { time: formatTime(vacation.until) })}
            </Text>
            <AnchorLink to="/mailbox" search={{ tab: 'vacation' }} size="sm">
              {t('Change it')}
            </AnchorLink>
          </Group>
        </Alert>
      )}
    </>
  );
}

function RoomSection({ address }: { readonly address: string }) {
  const { t } = useTranslation();
  const quota = useCall('quota.show', { address }, { refetchInterval: 60_000 });
  return (
    <Section title={t('Room')}>
      {quota.isPending ? <Loading /> : null}
      {quota.error === null ? null : <Failed error={quota.error} onRetry={() => void quota.refetch()} />}
      {quota.data === undefined ? null : <Room quota={quota.data} />}
    </Section>
  );
}

function Room({ quota }: { readonly quota: Output<'quota.show'> }) {
  const { t } = useTranslation();
  const { bytes, messages, quotaBytes } = quota;
  const percent = quotaBytes === 0 ? 0 : Math.min(100, Math.round((bytes / quotaBytes) * 100));
  const isFull = quotaBytes > 0 && bytes >= quotaBytes;
  const isNearlyFull = percent >= 90;
  const words =
    quotaBytes === 0
      ? t('{{used}} used, without a limit', { used: formatBytes(bytes) })
      : t('{{used}} of {{all}} used ({{percent}} %)', {
          used: formatBytes(bytes),
          all: formatBytes(quotaBytes),
          percent,
        });
  return (
    <Stack gap="xs">
      {quotaBytes === 0 ? null : (
        <Progress.Root size="lg">
          <Progress.Section
            value={percent}
            color={isFull ? 'red' : isNearlyFull ? 'orange' : 'post'}
            aria-label={t('Room')}
            aria-valuetext={words}
          />
        </Progress.Root>
      )}
      <Group justify="space-between">
        <Text size="sm">{words}</Text>
        <Text size="sm" c="dimmed">
          {t('Messages: {{count}}', { count: formatNumber(messages) as unknown as number })}
        </Text>
      </Group>
      {isFull ? (
        <Alert color="red" variant="light" icon={<Icon name="warning" />}>
          {t('The mailbox is full: new mail is refused. Delete what you do not need, and empty the trash.')}
        </Alert>
      ) : isNearlyFull ? (
        <Alert color="orange" variant="light" icon={<Icon name="warning" />}>
          {t('The mailbox is nearly full: when it is, new mail is refused.')}
        </Alert>
      ) : null}
    </Stack>
  );
}

function AddressesSection({ address }: { readonly address: string }) {
  const { t } = useTranslation();
  const reaches = useCall('reaches.show', { address });
  const kinds = {
    own: t('your own address'),
    alias: t('alias'),
    'catch-all': t('all other addresses of the domain'),
    'alias-domain': t('the same in another domain'),
    forward: t('forward of another mailbox'),
    list: t('mailing list that you are a member of'),
    'list-owner': t('owners of a mailing list'),
  };
  const { data } = reaches;
  return (
    <Section title={t('Addresses that reach you')} note={t('In your domain and its alias domains.')}>
      {reaches.isPending ? <Loading /> : null}
      {reaches.error === null ? null : <Failed error={reaches.error} onRetry={() => void reaches.refetch()} />}
      {data === undefined ? null : (
        <SmallTable
          label={t('Addresses that reach you')}
          rows={data.items}
          keyOf={({ address: one, by }) => `${by} ${one}`}
          columns={[
            { title: t('Address'), cell: (row) => row.address },
            { title: t('It is'), cell: ({ by }) => kinds[by] },
            { title: t('State'), cell: ({ arrives }) => <Arrival arrives={arrives} /> },
          ]}
        />
      )}
      {data?.isCut ? <Text size="sm">{t('There are more than are shown.')}</Text> : null}
    </Section>
  );
}

function Arrival({ arrives }: { readonly arrives: boolean }) {
  const { t } = useTranslation();
  return (
    <Badge variant="light" color={arrives ? 'green' : 'orange'} tt="none">
      {arrives ? t('arrives here') : t('goes elsewhere')}
    </Badge>
  );
}

function LoginsSection({ address }: { readonly address: string }) {
  const { t } = useTranslation();
  const logins = useCall('mailbox.logins', { address });
  return (
    <Section
      title={t('Recent logins')}
      note={
        <>
          {t('One line for each way and address. Do you know them all? If not, change the password.')}{' '}
          <AnchorLink to="/account" size="sm" underline="always">
            {t('Account and security')}
          </AnchorLink>
        </>
      }
    >
      {logins.isPending ? <Loading /> : null}
      {logins.error === null ? null : <Failed error={logins.error} onRetry={() => void logins.refetch()} />}
      {logins.data === undefined ? null : <LoginsTable label={t('Recent logins')} logins={logins.data.items} />}
    </Section>
  );
}

function NameSection({ mailbox: { address, name: before }, etag }: OwnMailboxProps) {
  const { t } = useTranslation();
  const change = useChange();
  const draft = useDraft({ name: before }, etag);
  const { name } = draft.value;
  const save = async () => {
    if (await change.run(() => call('mailbox.set', { address, name }, draft), t('Saved'))) draft.drop();
  };
  return (
    <Section title={t('Your name')} note={t('As it stands on answers that are sent while you are away.')}>
      <Form onSubmit={save}>
        <Stack>
          <DraftState draft={draft} change={change} />
          <Group align="flex-end">
            <TextInput
              label={t('Name')}
              maxLength={255}
              value={name}
              onChange={(event) => draft.set({ name: event.currentTarget.value })}
              style={{ flex: '1 1 220px' }}
              maw={420}
            />
            <Button type="submit" variant="default" loading={change.isBusy} disabled={name === before}>
              {t('Save')}
            </Button>
          </Group>
        </Stack>
      </Form>
    </Section>
  );
}
