// The door: who one is.

import { Card, Center, Group, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useCallback, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { LoginForm } from '../login/login-form.tsx';
import { type Session, sessionKey } from '../session.tsx';
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
