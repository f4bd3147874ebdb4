// Who may send as an address of the domain: those who receive its mail may anyway; grants and denials stand here.

import { Alert, Badge, Button, Group, List, SegmentedControl, Stack, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Row, useCall } from '../api.ts';
import { BigTable, type Column } from '../parts/big-table.tsx';
import { Form } from '../parts/form.tsx';
import { formatTime } from '../parts/format.ts';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty, Failed, NoAnswer } from '../parts/states.tsx';

type Right = Row<'sender-login.list'>;

export function SendingTab({ domain }: { readonly domain: string }) {
  const { t } = useTranslation();
  return (
    <Stack gap="lg">
      <Text size="sm" c="dimmed">
        {t(
          'Whoever receives the mail of an address may send as it. Here others are allowed to, or somebody is forbidden to.',
        )}
      </Text>
      <AddRight domain={domain} />
      <Rights domain={domain} />
      <WhoMay domain={domain} />
    </Stack>
  );
}

function AddRight({ domain }: { readonly domain: string }) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const [address, setAddress] = useState('');
  const [login, setLogin] = useState('');
  const [allowed, setAllowed] = useState('yes');
  const whole = (text: string) => (text.includes('@') ? text.trim() : `${text.trim()}@${domain}`);
  const add = async () => {
    const input = { address: whole(address), login: whole(login), allowed: allowed === 'yes' };
    const made = await planned.run({ operation: 'sender-login.add', input, done: t('Saved') });
    if (made === undefined) return;
    setAddress('');
    setLogin('');
  };
  return (
    <Form onSubmit={add}>
      <Stack gap="xs">
        {planned.problem === undefined ? null : <Failed error={planned.problem} />}
        <Group align="flex-end">
          <TextInput
            label={t('Mailbox that logs in')}
            required
            style={{ flex: '1 1 200px' }}
            value={login}
            onChange={(event) => setLogin(event.currentTarget.value)}
          />
          <SegmentedControl
            aria-label={t('Allowed or forbidden')}
            value={allowed}
            onChange={setAllowed}
            data={[
              { value: 'yes', label: t('may send as') },
              { value: 'no', label: t('may not send as') },
            ]}
          />
          <TextInput
            label={t('Address, or @domain for all of it')}
            required
            style={{ flex: '1 1 200px' }}
            value={address}
            onChange={(event) => setAddress(event.currentTarget.value)}
          />
          <Button type="submit" loading={planned.isBusy}>
            {t('Add')}
          </Button>
        </Group>
      </Stack>
      {planned.dialog}
    </Form>
  );
}

function Rights({ domain }: { readonly domain: string }) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const remove = async ({ address, login }: Right) =>
    void (await planned.run({
      operation: 'sender-login.remove',
      input: { address, login },
      done: t('Removed'),
    }));
  const columns: readonly Column<Right>[] = [
    { title: t('Mailbox'), cell: ({ login }) => login, width: '2fr' },
    {
      title: t('Rule'),
      cell: ({ allowed }) => (
        <Badge variant="light" tt="none" color={allowed ? 'green' : 'red'}>
          {allowed ? t('may send as') : t('may not send as')}
        </Badge>
      ),
      width: '1.300fr',
    },
    { title: t('Address'), cell: ({ address }) => shownNames(address), width: '2fr' },
    { title: t('Added'), cell: ({ created }) => formatTime(created), width: '1.500fr' },
    {
      title: t('Action'),
      cell: (row) => (
        <Button
          size="compact-sm"
          variant="light"
          color="red"
          aria-label={t('Remove the rule of {{login}} for {{address}}', { login: row.login, address: row.address })}
          onClick={() => void remove(row)}
        >
          {t('Remove')}
        </Button>
      ),
    },
  ];
  return (
    <>
      {planned.problem === undefined ? null : <Failed error={planned.problem} />}
      <BigTable
        label={t('Rights to send in {{domain}}', { domain })}
        operation="sender-login.list"
        input={{ domain }}
        columns={columns}
        keyOf={({ login, address }) => `${login} ${address}`}
        height={320}
        empty={<Empty title={t('No right beyond the usual')} />}
      />
      {planned.dialog}
    </>
  );
}

function WhoMay({ domain }: { readonly domain: string }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [asked, setAsked] = useState<string>();
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {t('Who may send as an address?')}
      </Title>
      <Form onSubmit={() => setAsked(text.includes('@') ? text.trim() : `${text.trim()}@${domain}`)}>
        <Group align="flex-end">
          <TextInput
            label={t('Address')}
            required
            style={{ flex: '1 1 240px' }}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Button type="submit" variant="default">
            {t('Ask')}
          </Button>
        </Group>
      </Form>
      {asked === undefined ? null : <Answer address={asked} />}
    </Stack>
  );
}

function Answer({ address }: { readonly address: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('sender-login.show', { address });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  return (
    <Alert color="gray" variant="light" title={t('{{address}} may be used by', { address })} role="status">
      {data.allowed.length === 0 ? (
        t('nobody')
      ) : (
        <List size="sm">
          {data.allowed.map(({ login, because }) => (
            <List.Item key={login}>
              <span className="mono">{login}</span>: {because}
            </List.Item>
          ))}
        </List>
      )}
      {data.denied.length === 0 ? null : (
        <Text size="sm">
          {t('forbidden: {{logins}}', { logins: data.denied.map(({ login }) => login).join(', ') })}
        </Text>
      )}
    </Alert>
  );
}
