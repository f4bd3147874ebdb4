// Who gets into a mailbox and how: its password, the protocols, app passwords, second factors.

import {
  Alert,
  Button,
  Checkbox,
  Divider,
  Group,
  PasswordInput,
  Stack,
  Switch,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, useCall } from '../api.ts';
import { useAsk } from '../parts/ask.tsx';
import { SmallTable } from '../parts/big-table.tsx';
import { DraftState, Form } from '../parts/form.tsx';
import { formatAge, formatTime } from '../parts/format.ts';
import { Failed, NoAnswer } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';
import { MadePassword } from './domain-mailbox-add.tsx';
import { type MailboxPartProps, useMailboxForm } from './domain-mailbox-form.ts';

const allProtocols = ['smtp', 'imap', 'pop3', 'sieve', 'http'] as const;

export function MailboxAccess(props: MailboxPartProps) {
  return (
    <Stack gap="lg">
      <NewPassword {...props} />
      <Divider />
      <LoginRules {...props} />
      <Divider />
      <AppPasswords address={props.mailbox.address} />
      <Divider />
      <SecondFactors address={props.mailbox.address} />
    </Stack>
  );
}

function NewPassword(props: MailboxPartProps) {
  const { t } = useTranslation();
  const { mailbox } = props;
  const hadToChange = mailbox.mustChange === true;
  const { draft, planned, save } = useMailboxForm(props, { password: '', mustChange: hadToChange });
  const { password, mustChange } = draft.value;
  const [made, setMade] = useState<string>();
  const set = (value: string) => save({ password: value, ...(mustChange === hadToChange ? {} : { mustChange }) }, true);
  const make = async () => {
    const value = makePassword();
    if (await set(value)) setMade(value);
  };
  return (
    <Form onSubmit={() => set(password)}>
      <Stack>
        <Title order={3} size="h5">
          {t('Password')}
        </Title>
        <DraftState draft={draft} change={planned} />
        {mailbox.passwordChanged === undefined ? null : (
          <Text size="sm" c="dimmed">
            {t('Set {{time}}', { time: formatTime(mailbox.passwordChanged) })}
          </Text>
        )}
        {made === undefined ? null : (
          <Alert color="green" variant="light">
            <MadePassword password={made} />
          </Alert>
        )}
        <PasswordInput
          label={t('New password')}
          description={t(
            'Sessions, passkeys and API tokens of the mailbox end with it; app passwords stay, and stand below.',
          )}
          autoComplete="new-password"
          value={password}
          onChange={(event) => draft.set({ password: event.currentTarget.value })}
        />
        <Switch
          label={t('Its owner must change it at the next login')}
          checked={mustChange}
          onChange={(event) => draft.set({ mustChange: event.currentTarget.checked })}
        />
        <Group justify="flex-end">
          <Button variant="default" loading={planned.isBusy} onClick={() => void make()}>
            {t('Make one')}
          </Button>
          <Button type="submit" loading={planned.isBusy} disabled={password === ''}>
            {t('Set the password')}
          </Button>
        </Group>
      </Stack>
    </Form>
  );
}

function LoginRules(props: MailboxPartProps) {
  const { t } = useTranslation();
  const { mailbox } = props;
  const before = mailbox.protocols === undefined || mailbox.protocols.length === 0 ? allProtocols : mailbox.protocols;
  const end = mailbox.passwordExpires === undefined ? '' : new Date(mailbox.passwordExpires).toISOString().slice(0, 10);
  const { draft, planned, save } = useMailboxForm(props, {
    protocols: before.filter((one) => one !== 'none'),
    expires: end,
  });
  const { protocols, expires } = draft.value;
  const isChanged = expires !== end || allProtocols.some((one) => protocols.includes(one) !== before.includes(one));
  const wanted = protocols.length === 0 ? ['none'] : protocols.length === allProtocols.length ? [] : protocols;
  return (
    <Form
      onSubmit={() => {
        const passwordExpires = expires === '' ? 0 : Date.parse(expires);
        return save({ protocols: wanted, ...(expires === end ? {} : { passwordExpires }) }, true);
      }}
    >
      <Stack>
        <DraftState draft={draft} change={planned} />
        <Checkbox.Group
          label={t('It may be logged in to by')}
          value={[...protocols]}
          onChange={(value) => draft.set({ protocols: value })}
        >
          <Group mt="xs">
            {allProtocols.map((one) => (
              <Checkbox key={one} value={one} label={one.toUpperCase()} />
            ))}
          </Group>
        </Checkbox.Group>
        <TextInput
          type="date"
          label={t('The password ends on')}
          description={t('Empty: never')}
          value={expires}
          onChange={(event) => draft.set({ expires: event.currentTarget.value })}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={planned.isBusy} disabled={!isChanged}>
            {t('Save')}
          </Button>
        </Group>
      </Stack>
    </Form>
  );
}

function AppPasswords({ address }: { readonly address: string }) {
  const { t } = useTranslation();
  const ask = useAsk();
  const change = useChange();
  const { data, error, refetch } = useCall('app-password.list', { mailbox: address });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  const remove = (name: string) =>
    ask(
      {
        title: t('Remove the app password {{name}}?', { name }),
        text: t('What uses it cannot log in any more.'),
        confirm: t('Remove'),
      },
      () => void change.run(() => call('app-password.remove', { mailbox: address, name }), t('Removed')),
    );
  return (
    <Stack>
      <Title order={3} size="h5">
        {t('App passwords')}
      </Title>
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      {data.items.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('None. Its owner makes them, one for each device.')}
        </Text>
      ) : (
        <SmallTable
          label={t('App passwords')}
          rows={data.items}
          keyOf={({ name }) => name}
          columns={[
            { title: t('For'), cell: ({ name }) => name },
            {
              title: t('Used'),
              cell: ({ used }) => (used === undefined ? t('never') : `${formatAge(used.time)}, ${used.protocol}`),
            },
            {
              title: t('Action'),
              cell: ({ name }) => (
                <Button
                  size="xs"
                  variant="light"
                  color="red"
                  aria-label={t('Remove the app password {{name}}', { name })}
                  onClick={() => remove(name)}
                >
                  {t('Remove')}
                </Button>
              ),
            },
          ]}
        />
      )}
    </Stack>
  );
}

function SecondFactors({ address }: { readonly address: string }) {
  const { t } = useTranslation();
  const ask = useAsk();
  const change = useChange();
  const reset = () =>
    ask(
      {
        title: t('Reset the second factors of {{address}}?', { address }),
        text: t(
          'Codes and passkeys are taken away: the password alone opens the page until its owner sets up new ones.',
        ),
        confirm: t('Reset'),
      },
      () => void change.run(() => call('mailbox.second-factors-remove', { address }), t('Second factors reset')),
    );
  return (
    <Stack align="flex-start">
      <Title order={3} size="h5">
        {t('Second factors')}
      </Title>
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      <Text size="sm">{t('For somebody who has lost the telephone or the passkey.')}</Text>
      <Button variant="default" loading={change.isBusy} onClick={reset}>
        {t('Reset the second factors')}
      </Button>
    </Stack>
  );
}

/** As the server makes them: 20 of 56 signs that do not look alike are 116 bits. */
function makePassword(): string {
  const signs = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
  const password: string[] = [];
  while (password.length < 20) {
    for (const value of crypto.getRandomValues(new Uint8Array(32))) {
      // Beyond the last whole round some signs would come more often.
      if (value < signs.length * 4 && password.length < 20) password.push(signs.charAt(value % signs.length));
    }
  }
  return password.join('').replace(/(.{5})(?=.)/g, '$1-');
}
