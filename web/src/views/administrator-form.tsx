// One administrator: what is theirs, how they log in, and what takes it away again.

import { Button, Divider, Group, Stack, Switch, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output, useCall } from '../api.ts';
import { useAsk } from '../parts/ask.tsx';
import { DomainPicker } from '../parts/domain-picker.tsx';
import { DraftState, Form, useDraft } from '../parts/form.tsx';
import { formatAge, formatTime } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { notify } from '../parts/notify.ts';
import { SecretOnce } from '../parts/secret-once.tsx';
import { NoAnswer } from '../parts/states.tsx';
import { type Change, useChange } from '../parts/use-change.ts';
import { useSession } from '../session.tsx';
import { RoleChoice } from './administrator-add.tsx';
import { type AdministratorRole, Mandate } from './administrator-mandate.tsx';

interface Props {
  readonly administrator: Output<'admin.show'>;
  readonly etag: string | undefined;
  readonly onDone: () => void;
}

export function AdministratorForm({ administrator, etag, onDone }: Props) {
  const { t } = useTranslation();
  const change = useChange();
  const { login } = administrator;
  const isSelf = useSession().login === login;
  const now = {
    name: administrator.name,
    role: administrator.role as AdministratorRole,
    domains: administrator.domains,
    isActive: administrator.active,
  };
  const draft = useDraft(now, etag);
  const { name, role, domains, isActive } = draft.value;
  const areOther = domains.join() !== administrator.domains.join();
  const mandateChanges = role !== administrator.role || (role === 'domain' && areOther);
  const save = async () => {
    const mandate = mandateChanges ? { role, domains: role === 'host' ? [] : domains } : {};
    const isSaved = await change.run(
      () =>
        call(
          'admin.set',
          {
            login,
            ...mandate,
            ...(name === administrator.name ? {} : { name }),
            ...(isActive === administrator.active ? {} : { active: isActive }),
          },
          draft,
        ),
      t('Saved'),
    );
    if (isSaved) draft.drop();
  };
  return (
    <Stack>
      <DraftState draft={draft} change={change} />
      <Form onSubmit={save}>
        <Stack>
          <TextInput
            label={t('Name')}
            value={name}
            onChange={(event) => draft.set({ name: event.currentTarget.value })}
          />
          <RoleChoice value={role} onChange={(next) => draft.set({ role: next })} />
          {role === 'host' ? null : (
            <DomainPicker label={t('Domains')} value={domains} onChange={(next) => draft.set({ domains: next })} />
          )}
          {mandateChanges ? <Mandate role={role} domains={domains} before={administrator} /> : null}
          <Switch
            label={t('May log in, and use tokens')}
            checked={isActive}
            onChange={(event) => draft.set({ isActive: event.currentTarget.checked })}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={change.isBusy}>
              {t('Save')}
            </Button>
          </Group>
        </Stack>
      </Form>
      <Divider />
      <Logins login={login} isSelf={isSelf} change={change} />
      <Divider />
      <Remove login={login} created={administrator.created} change={change} onDone={onDone} />
    </Stack>
  );
}

interface LoginsProps {
  readonly login: string;
  readonly isSelf: boolean;
  readonly change: Change;
}

function Logins({ login, isSelf, change }: LoginsProps) {
  const { t } = useTranslation();
  const ask = useAsk();
  const [made, setMade] = useState<string>();
  const newPassword = () =>
    ask(
      {
        title: t('Make a new password for {{login}}?', { login }),
        text: t('The one so far opens nothing any more, and all sessions, tokens and passkeys end.'),
        confirm: t('Make a new one'),
      },
      () => void change.run(async () => setMade((await call('admin.password', { login })).password)),
    );
  const resetFactors = () =>
    ask(
      {
        title: t('Remove the second factors of {{login}}?', { login }),
        text: t('Codes of the app, recovery codes and passkeys go. From then on the password alone is enough.'),
        confirm: t('Remove them'),
      },
      () => void change.run(() => call('admin.second-factors-remove', { login }), t('Removed')),
    );
  return (
    <Stack gap="sm">
      <Title order={3} size="h5">
        {t('Logging in')}
      </Title>
      {made === undefined ? null : (
        <SecretOnce
          title={t('A new password')}
          text={t('For the next login, where a new one must be chosen. Nobody can see it again:')}
          secret={made}
          onClose={() => setMade(undefined)}
        />
      )}
      <Sessions login={login} change={change} />
      {isSelf ? (
        <Text size="sm" c="dimmed">
          {t('This is you: password and second factors are changed in your own account.')}
        </Text>
      ) : (
        <Group>
          <Button variant="default" size="xs" leftSection={<Icon name="key" size={14} />} onClick={newPassword}>
            {t('Make a new password')}
          </Button>
          <Button variant="default" size="xs" onClick={resetFactors}>
            {t('Remove second factors')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function Sessions({ login, change }: { readonly login: string; readonly change: Change }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('admin.sessions', { login });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  if (data.items.length === 0) return <Text size="sm">{t('No browser is logged in now.')}</Text>;
  const endAll = () =>
    change.run(async () => {
      const { tokens } = await call('admin.sessions-remove', { login });
      notify(
        tokens === 0
          ? t('All sessions have ended')
          : t('All sessions have ended. API tokens that go on: {{count}}', { count: tokens }),
      );
    });
  return (
    <Stack gap={6}>
      {data.items.map(({ created, seen, address, program }) => (
        <Text size="sm" key={`${created} ${address} ${program}`} style={{ overflowWrap: 'anywhere' }}>
          {t('From {{address}}, used {{age}}', { address, age: formatAge(seen) })}
          <Text span c="dimmed" size="xs" display="block" lineClamp={1}>
            {program}
          </Text>
        </Text>
      ))}
      <Group>
        <Button size="xs" variant="default" onClick={() => void endAll()}>
          {t('End all sessions')}
        </Button>
      </Group>
    </Stack>
  );
}

interface RemoveProps {
  readonly login: string;
  readonly created: number;
  readonly change: Change;
  readonly onDone: () => void;
}

function Remove({ login, created, change, onDone }: RemoveProps) {
  const { t } = useTranslation();
  const ask = useAsk();
  const remove = async () => {
    if (await change.run(() => call('admin.remove', { login }), t('Removed'))) onDone();
  };
  return (
    <Group justify="space-between">
      <Text size="sm" c="dimmed">
        {t('Added {{time}}', { time: formatTime(created) })}
      </Text>
      <Button
        variant="light"
        color="red"
        leftSection={<Icon name="remove" />}
        onClick={() =>
          ask(
            {
              title: t('Remove {{login}}?', { login }),
              text: t('Tokens, sessions and webhooks of this administrator go too. Domains and mailboxes stay.'),
              confirm: t('Remove'),
            },
            () => void remove(),
          )
        }
      >
        {t('Remove')}
      </Button>
    </Group>
  );
}
