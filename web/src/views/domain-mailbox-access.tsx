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
import { modals } from '@mantine/modals';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, useCall } from '../api.ts';
import { SmallTable } from '../parts/big-table.tsx';
import { Form } from '../parts/form.tsx';
import { formatAge, formatTime } from '../parts/format.ts';
import { Failed, NoAnswer } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';
import { MadePassword } from './domain-mailbox-add.tsx';
import type { MailboxPartProps } from './domain-mailbox-panel.tsx';

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

function NewPassword({ mailbox, planned, set }: MailboxPartProps) {
  const { t } = useTranslation();
  const [password, setPassword] = useState('');
  const [mustChange, setMustChange] = useState(mailbox.mustChange === true);
  const [made, setMade] = useState<string>();
  const save = async (value: string) => {
    const isDone = await set(
      { password: value, ...(mustChange === (mailbox.mustChange === true) ? {} : { mustChange }) },
      true,
    );
    if (isDone) setPassword('');
    return isDone;
  };
  const make = async () => {
    const value = makePassword();
    if (await save(value)) setMade(value);
  };
  return (
    <Form onSubmit={() => save(password)}>
      <Stack>
        <Title order={3} size="h5">
          {t('Password')}
        </Title>
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
          description={t('Sessions and API tokens of the mailbox end with it; app passwords stay, and stand below.')}
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Switch
          label={t('Its owner must change it at the next login')}
          checked={mustChange}
          onChange={(event) => setMustChange(event.currentTarget.checked)}
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

function LoginRules({ mailbox, planned, set }: MailboxPartProps) {
  const { t } = useTranslation();
  const before = mailbox.protocols === undefined || mailbox.protocols.length === 0 ? allProtocols : mailbox.protocols;
  const [protocols, setProtocols] = useState<readonly string[]>(before.filter((one) => one !== 'none'));
  const end = mailbox.passwordExpires === undefined ? '' : new Date(mailbox.passwordExpires).toISOString().slice(0, 10);
  const [expires, setExpires] = useState(end);
  const wanted = protocols.length === 0 ? ['none'] : protocols.length === allProtocols.length ? [] : protocols;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const passwordExpires = expires === '' ? 0 : Date.parse(expires);
        void set({ protocols: wanted, ...(expires === end ? {} : { passwordExpires }) }, true);
      }}
    >
      <Stack>
        <Checkbox.Group
          label={t('It may be logged in to by')}
          value={[...protocols]}
          onChange={(value) => setProtocols(value)}
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
          onChange={(event) => setExpires(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={planned.isBusy}>
            {t('Save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function AppPasswords({ address }: { readonly address: string }) {
  const { t } = useTranslation();
  const change = useChange();
  const { data, error, refetch } = useCall('app-password.list', { mailbox: address });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  const remove = (name: string) =>
    modals.openConfirmModal({
      title: t('Remove the app password {{name}}?', { name }),
      children: <Text size="sm">{t('What uses it cannot log in any more.')}</Text>,
      labels: { confirm: t('Remove'), cancel: t('Cancel') },
      confirmProps: { color: 'red' },
      onConfirm: () => void change.run(() => call('app-password.remove', { mailbox: address, name }), t('Removed')),
    });
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
  const change = useChange();
  const reset = () =>
    modals.openConfirmModal({
      title: t('Reset the second factors of {{address}}?', { address }),
      children: (
        <Text size="sm">
          {t('Codes and passkeys are taken away: the password alone opens the page until its owner sets up new ones.')}
        </Text>
      ),
      labels: { confirm: t('Reset'), cancel: t('Cancel') },
      confirmProps: { color: 'red' },
      onConfirm: () =>
        void change.run(() => call('mailbox.second-factors-remove', { address }), t('Second factors reset')),
    });
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
