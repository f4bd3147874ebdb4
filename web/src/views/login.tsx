// The door: who one is, and a new password where somebody else made the one so far or it has run out.

import { Button, Card, Center, Group, Stack, Text, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useCallback, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { LoginForm } from '../login/login-form.tsx';
import { NewPasswordForm } from '../login/new-password-form.tsx';
import { type Session, sessionKey, useLogout } from '../session.tsx';
import { LanguageMenu, LightButton } from '../shell.tsx';

export function LoginView() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const done = useCallback((session: Session) => queries.setQueryData(sessionKey, session), [queries]);
  return (
    <Door title={t('Log in')}>
      <LoginForm onDone={done} />
    </Door>
  );
}

export function NewPasswordView({ login }: { readonly login: string }) {
  const { t } = useTranslation();
  const logout = useLogout();
  return (
    <Door title={t('Choose a new password')}>
      <Text size="sm" mb="md">
        {t(
          'The password that you have logged in with was made by somebody else, or its time is over. From now on only you should know it.',
        )}
      </Text>
      <Stack>
        <NewPasswordForm login={login} />
        <Button variant="subtle" color="gray" onClick={() => void logout()}>
          {t('Log out')}
        </Button>
      </Stack>
    </Door>
  );
}

export function Door({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} – Posthaste`;
  }, [title]);
  return (
    <Center mih="100dvh" p="md" component="main">
      <Card withBorder shadow="sm" p="xl" w={420} maw="100%">
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
