// The door: a login and a password, and a new password where somebody else made the one so far.

import { Button, Card, Center, Group, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, Problem } from '../api.ts';
import { Failed } from '../parts/states.tsx';
import { sessionKey } from '../session.tsx';
import { LanguageMenu, LightButton } from '../shell.tsx';

export function LoginView() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const form = useForm({ mode: 'uncontrolled', initialValues: { login: '', password: '' } });
  const submit = form.onSubmit(async (input) => {
    setBusy(true);
    setError(undefined);
    try {
      queries.setQueryData(sessionKey, await call('session.add', input));
    } catch (problem) {
      setError(problem);
      form.setFieldValue('password', '');
    } finally {
      setBusy(false);
    }
  });
  return (
    <Door title={t('Log in')}>
      <form onSubmit={submit}>
        <Stack>
          {error === undefined ? null : <Failed error={deniedText(error, t)} />}
          <TextInput
            label={t('Login or address')}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            autoFocus
            key={form.key('login')}
            {...form.getInputProps('login')}
          />
          <PasswordInput
            label={t('Password')}
            autoComplete="current-password"
            required
            key={form.key('password')}
            {...form.getInputProps('password')}
          />
          <Button type="submit" loading={isBusy} fullWidth>
            {t('Log in')}
          </Button>
          <Text size="sm" c="dimmed">
            {t('Forgotten? An administrator of your domain can set a new password.')}
          </Text>
        </Stack>
      </form>
    </Door>
  );
}

export function NewPasswordView() {
  const { t } = useTranslation();
  return (
    <Door title={t('Choose a new password')}>
      <Text size="sm" mb="md">
        {t('Somebody else made the password that you have logged in with. Only you should know it.')}
      </Text>
      <NewPasswordForm />
    </Door>
  );
}

export function NewPasswordForm({ onDone }: { readonly onDone?: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { current: '', password: '', again: '' },
    validate: {
      password: (value) => (value.length < 8 ? t('At least 8 characters') : null),
      again: (value, { password }) => (value === password ? null : t('The two are not the same')),
    },
  });
  const submit = form.onSubmit(async ({ current, password }) => {
    setBusy(true);
    setError(undefined);
    try {
      await call('account.password', { current, password });
      form.reset();
      await queries.invalidateQueries({ queryKey: sessionKey });
      onDone?.();
    } catch (problem) {
      if (problem instanceof Problem && problem.field !== undefined) form.setFieldError(problem.field, problem.text);
      else setError(problem);
    } finally {
      setBusy(false);
    }
  });
  const field = (name: 'current' | 'password' | 'again', label: string) => (
    <PasswordInput
      label={label}
      required
      autoComplete={name === 'current' ? 'current-password' : 'new-password'}
      key={form.key(name)}
      {...form.getInputProps(name)}
    />
  );
  return (
    <form onSubmit={submit}>
      <Stack>
        {error === undefined ? null : <Failed error={error} />}
        {field('current', t('Password so far'))}
        {field('password', t('New password'))}
        {field('again', t('New password again'))}
        <Button type="submit" loading={isBusy}>
          {t('Change the password')}
        </Button>
      </Stack>
    </form>
  );
}

export function Door({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Center mih="100dvh" p="md" component="main">
      <Card withBorder shadow="sm" p="xl" w={400} maw="100%">
        <Group justify="space-between" mb="lg" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <img src="/icon.svg" width={32} height={32} alt="" />
            <Title order={1} size="h3">
              {title}
            </Title>
          </Group>
          <Group gap={4} wrap="nowrap">
            <LightButton />
            <LanguageMenu />
          </Group>
        </Group>
        {children}
      </Card>
    </Center>
  );
}

function deniedText(error: unknown, t: (text: string) => string): unknown {
  if (!(error instanceof Problem) || error.status !== 401) return error;
  return new Error(t('The login or the password is wrong.'));
}
