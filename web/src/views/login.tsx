// The door: who one is.

import { Card, Center, Group, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { LoginForm } from '../login/login-form.tsx';
import { Loading } from '../parts/states.tsx';
import { type Session, sessionKey } from '../session.tsx';
import { LanguageMenu, LightButton } from '../shell.tsx';

/** Nobody sees it twice. */
const NotSetUp = lazy(async () => ({ default: (await import('../login/not-set-up.tsx')).NotSetUp }));

/** While the host has no administrator, whoever comes is led to its setup first. */
export function SetUpFirst({ children }: { readonly children: ReactNode }) {
  const { data, isPending } = useCall('setup.show', {}, { retry: false });
  const [isUser, setUser] = useState(false);
  if (isPending) return <Loading />;
  if (isUser || data === undefined || data.hasAdministrator) return children;
  return (
    <Suspense fallback={<Loading />}>
      <NotSetUp command={data.command} onLogin={() => setUser(true)} />
    </Suspense>
  );
}

export function LoginView() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const done = useCallback((session: Session) => queries.setQueryData(sessionKey, session), [queries]);
  return (
    <SetUpFirst>
      <Door title={t('Log in')}>
        <LoginForm onDone={done} />
      </Door>
    </SetUpFirst>
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
