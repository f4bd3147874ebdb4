// The frame around every view: who is logged in, where one can go, in which language and light.

import {
  ActionIcon,
  AppShell,
  Avatar,
  Burger,
  Group,
  Menu,
  Text,
  Tooltip,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Navigate, Outlet, useLocation } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { languages, type Language, speak } from './i18n.ts';
import { Icon, type IconName } from './parts/icon.tsx';
import { MenuItemLink, NavLinkTo } from './parts/links.tsx';
import { LiveLine } from './parts/live-line.tsx';
import { Loading, Failed } from './parts/states.tsx';
import { LoginAgain } from './login/login-again.tsx';
import { type Role, SessionProvider, type Session, useEndedSession, useLogout, useWhoIsThere } from './session.tsx';
import { LoginView } from './views/login.tsx';

interface Place {
  readonly to: string;
  readonly label: string;
  readonly icon: IconName;
  readonly roles: readonly Role[];
}

const administrators: readonly Role[] = ['host', 'domain'];
const everybody: readonly Role[] = ['host', 'domain', 'user'];

function usePlaces(): readonly Place[] {
  const { t } = useTranslation();
  return [
    { to: '/', label: t('Overview'), icon: 'overview', roles: administrators },
    { to: '/domains', label: t('Domains'), icon: 'domain', roles: administrators },
    { to: '/explain', label: t('Where does mail go?'), icon: 'explain', roles: administrators },
    { to: '/trace', label: t('Trace'), icon: 'trace', roles: administrators },
    { to: '/queue', label: t('Queue'), icon: 'queue', roles: ['host'] },
    { to: '/history', label: t('History'), icon: 'history', roles: administrators },
    { to: '/defence', label: t('Logins and attacks'), icon: 'defence', roles: administrators },
    { to: '/administrators', label: t('Administrators'), icon: 'people', roles: ['host'] },
    { to: '/administrators', label: t('Webhooks'), icon: 'people', roles: ['domain'] },
    { to: '/settings', label: t('Settings'), icon: 'settings', roles: ['host'] },
    { to: '/mailbox', label: t('My mailbox'), icon: 'account', roles: ['user'] },
    { to: '/account', label: t('Account and security'), icon: 'key', roles: everybody },
  ];
}

/** Few need it, and it would be loaded before everybody's first view. */
const NewPasswordView = lazy(async () => ({
  default: (await import('./login/new-password-view.tsx')).NewPasswordView,
}));

export function Shell() {
  const { data: session, error, isPending, refetch } = useWhoIsThere();
  const { ended, again, leave } = useEndedSession();
  if (isPending) return <Loading />;
  if (error !== null && session === undefined) return <Failed error={error} onRetry={() => void refetch()} />;
  const shown = session ?? ended;
  if (shown === undefined) return <LoginView />;
  if (session?.mustChange) {
    return (
      <Suspense fallback={<Loading />}>
        <NewPasswordView login={session.login} />
      </Suspense>
    );
  }
  return (
    <SessionProvider session={shown}>
      <Frame key={`${shown.role} ${shown.login}`} session={shown} />
      {session === null ? <LoginAgain former={shown} onDone={again} onLeave={leave} /> : null}
    </SessionProvider>
  );
}

function Frame({ session }: { readonly session: Session }) {
  const { t } = useTranslation();
  const [isOpen, { toggle, close }] = useDisclosure();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  // Who goes somewhere by the keyboard is there.
  useEffect(() => {
    close();
    main.current?.focus({ preventScroll: true });
  }, [pathname, close]);
  // Who has a mailbox alone begins with it.
  const isHome = session.role === 'user' && pathname === '/';
  const places = usePlaces().filter(({ roles }) => roles.includes(session.role));
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding="md"
    >
      <a className="skip-link" href="#main">
        {t('To the content')}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={t('Menu')}
              aria-expanded={isOpen}
            />
            <img src="/icon.svg" width={26} height={26} alt="" />
            <Text fw={700}>Posthaste</Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <LightButton />
            <LanguageMenu />
            <PersonMenu session={session} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" component="nav" aria-label={t('Places')}>
        {places.map(({ to, label, icon }) => (
          <NavLinkTo
            key={to}
            to={to}
            label={label}
            leftSection={<Icon name={icon} />}
            active={to === '/' ? pathname === '/' : pathname.startsWith(to)}
            aria-current={(to === '/' ? pathname === '/' : pathname.startsWith(to)) ? 'page' : undefined}
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main id="main" ref={main} tabIndex={-1} style={{ outline: 'none' }}>
        <LiveLine login={session.login} />
        {isHome ? <Navigate to="/mailbox" replace /> : <Outlet />}
      </AppShell.Main>
    </AppShell>
  );
}

export function LightButton() {
  const { t } = useTranslation();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const label = scheme === 'dark' ? t('Light') : t('Dark');
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={label}
        onClick={() => setColorScheme(scheme === 'dark' ? 'light' : 'dark')}
      >
        <Icon name={scheme === 'dark' ? 'light' : 'dark'} />
      </ActionIcon>
    </Tooltip>
  );
}

export function LanguageMenu() {
  const { t, i18n } = useTranslation();
  return (
    <Menu>
      <Menu.Target>
        <Tooltip label={t('Language')}>
          <ActionIcon variant="subtle" color="gray" aria-label={t('Language')}>
            <Icon name="language" />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {Object.entries(languages).map(([code, name]) => (
          <Menu.Item
            key={code}
            lang={code}
            aria-current={i18n.language === code ? 'true' : undefined}
            onClick={() => void speak(code as Language, true)}
          >
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function PersonMenu({ session }: { readonly session: Session }) {
  const { t } = useTranslation();
  const logout = useLogout();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <UnstyledButton aria-label={t('{{login}}: account', { login: session.login })}>
          <Avatar size={32} radius="xl" variant="filled" color="post" aria-hidden>
            <Icon name="person" />
          </Avatar>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{session.login}</Menu.Label>
        <MenuItemLink to="/account">{t('Account and security')}</MenuItemLink>
        <Menu.Divider />
        <Menu.Item onClick={() => void logout()}>{t('Log out')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
