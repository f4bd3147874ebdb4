// The first start: whoever has the one-time link makes the administrator, names the host, adds the first domain and mailbox,
// and sees a test message arrive. Each step is done when its effect is there, and has an address: a reload goes on with it.

import { Alert, Box, Button, Center, Code, Container, Group, Stack, Text, Title } from '@mantine/core';
import { getRouteApi, useLocation } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { Icon } from '../parts/icon.tsx';
import { ButtonLink } from '../parts/links.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import { Steps } from '../parts/steps.tsx';
import { useWhoIsThere } from '../session.tsx';
import { LanguageMenu, LightButton } from '../shell.tsx';
import { LoginView } from './login.tsx';
import { AdministratorStep } from './setup/administrator-step.tsx';
import { DomainStep } from './setup/domain-step.tsx';
import { HostStep } from './setup/host-step.tsx';
import { LinkCheck } from './setup/link-check.tsx';
import { SecondFactorStep } from './setup/second-factor-step.tsx';
import { TestStep } from './setup/test-step.tsx';
import { useNextStep } from './setup/use-next-step.ts';

const route = getRouteApi('/setup');
/** Where each address of a step stands in the row that is shown. */
const places: Readonly<Record<string, number>> = { administrator: 0, 'second-factor': 0, host: 1, domain: 2, test: 3 };

export function SetupView() {
  const { t } = useTranslation();
  const { step } = route.useSearch();
  const { hash } = useLocation();
  const who = useWhoIsThere();
  const setup = useCall('setup.show', {});
  const [wantsLogin, setWantsLogin] = useState(false);
  useEffect(() => {
    document.title = `${t('Set up this host')} – Posthaste`;
  }, [t]);
  if (who.isPending || setup.isPending) return <Loading />;
  // What is there stays while it is being read again: a step may show what nobody can show twice.
  const error = (who.data === undefined ? who.error : null) ?? (setup.data === undefined ? setup.error : null);
  if (error !== null || setup.data === undefined) {
    return (
      <Frame at={0}>
        <Failed error={error} onRetry={() => void Promise.all([who.refetch(), setup.refetch()])} />
      </Frame>
    );
  }
  const session = who.data ?? undefined;
  if (session?.role === 'host') return <HostSteps step={step} login={session.login} />;
  if (session !== undefined) return <NotYours login={session.login} />;
  if (setup.data.hasAdministrator) {
    return wantsLogin ? (
      <LoginView />
    ) : (
      <AlreadyDone command={setup.data.command} onLogin={() => setWantsLogin(true)} />
    );
  }
  return (
    <Frame at={0}>
      <LinkCheck token={hash} command={setup.data.command}>
        {(token) => <AdministratorStep token={token} />}
      </LinkCheck>
    </Frame>
  );
}

/** What comes once there is an administrator, who has logged in by making the account. */
function HostSteps({ step, login }: { readonly step: string | undefined; readonly login: string }) {
  const navigate = route.useNavigate();
  const isKnown = step !== undefined && step !== 'administrator' && step in places;
  const next = useNextStep(!isKnown);
  useEffect(() => {
    // Without the fragment: its token is used up.
    if (!isKnown && next.step !== undefined) void navigate({ search: { step: next.step }, replace: true });
  }, [isKnown, next.step, navigate]);
  if (!isKnown) {
    return next.error === undefined ? <Loading /> : <Failed error={next.error} onRetry={next.retry} />;
  }
  return (
    <Frame at={places[step] ?? 0} key={step}>
      {step === 'second-factor' ? <SecondFactorStep login={login} /> : null}
      {step === 'host' ? <HostStep /> : null}
      {step === 'domain' ? <DomainStep /> : null}
      {step === 'test' ? <TestStep /> : null}
    </Frame>
  );
}

function Frame({ at, children }: { readonly at: number; readonly children: ReactNode }) {
  const { t } = useTranslation();
  const steps = [t('Administrator'), t('Host name'), t('First domain'), t('Test')];
  return (
    <Box mih="100dvh" py={{ base: 'md', sm: 'xl' }}>
      <Container size={760} component="main" px="md">
        <Group component="header" justify="space-between" wrap="nowrap" mb="lg">
          <Group gap="sm" wrap="nowrap">
            <img src="/icon.svg" width={34} height={34} alt="" />
            <Text fw={700} size="lg">
              Posthaste
            </Text>
          </Group>
          <Group gap={4} wrap="nowrap">
            <LightButton />
            <LanguageMenu />
          </Group>
        </Group>
        <Steps label={t('Set up this host')} steps={steps} at={at} />
        <Box mt="xl">{children}</Box>
      </Container>
    </Box>
  );
}

function Note({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack maw={480} align="flex-start">
        <img src="/icon.svg" width={40} height={40} alt="" />
        <Title order={1} size="h2">
          {title}
        </Title>
        {children}
      </Stack>
    </Center>
  );
}

function AlreadyDone({ command, onLogin }: { readonly command: string; readonly onLogin: () => void }) {
  const { t } = useTranslation();
  return (
    <Note title={t('This host is set up')}>
      <Text>{t('It has an administrator already, so no setup link is good any more.')}</Text>
      <Button onClick={onLogin}>{t('Log in')}</Button>
      <Alert variant="light" color="gray" icon={<Icon name="key" />} title={t('Nobody can log in?')}>
        <Text size="sm">{t('On the host, this gives an administrator a new password:')}</Text>
        <Code>{`${command} admin set LOGIN --password`}</Code>
      </Alert>
    </Note>
  );
}

function NotYours({ login }: { readonly login: string }) {
  const { t } = useTranslation();
  return (
    <Note title={t('This host is set up')}>
      <Text>
        {t('You are logged in as {{login}}. Only an administrator of the host can go on with the setup.', { login })}
      </Text>
      <ButtonLink to="/">{t('Go on')}</ButtonLink>
    </Note>
  );
}
