// Where each view has its address. Views are fetched when somebody first goes there.

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { AnchorLink } from './parts/links.tsx';
import { Empty, Failed, Loading } from './parts/states.tsx';
import { Shell } from './shell.tsx';

/** The words of a query string that a view knows; others are dropped. */
function words<Name extends string>(...names: readonly Name[]) {
  return (search: Readonly<Record<string, unknown>>): Partial<Record<Name, string>> => {
    const known: Partial<Record<Name, string>> = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === 'string' || typeof value === 'number') known[name] = String(value);
    }
    return known;
  };
}

const root = createRootRoute({ component: Outlet, notFoundComponent: NoSuchPage });

function NoSuchPage() {
  const { t } = useTranslation();
  return (
    <Empty title={t('There is no such page')}>
      <AnchorLink to="/">{t('Overview')}</AnchorLink>
    </Empty>
  );
}

/** Views that nobody need be logged in for. */
const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  validateSearch: words('step', 'mailbox', 'message'),
  component: lazyRouteComponent(() => import('./views/setup.tsx'), 'SetupView'),
});
const forgotten = createRoute({
  getParentRoute: () => root,
  path: '/forgotten',
  component: lazyRouteComponent(() => import('./views/forgotten.tsx'), 'ForgottenView'),
});

const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell });
const overview = createRoute({
  getParentRoute: () => shell,
  path: '/',
  validateSearch: words('range'),
  component: lazyRouteComponent(() => import('./views/overview.tsx'), 'OverviewView'),
});
const domains = createRoute({
  getParentRoute: () => shell,
  path: '/domains',
  validateSearch: words('search', 'class', 'having', 'show'),
  component: lazyRouteComponent(() => import('./views/domains.tsx'), 'DomainsView'),
});
const domain = createRoute({
  getParentRoute: () => shell,
  path: '/domains/$domain',
  validateSearch: words('tab', 'open', 'search', 'show', 'view', 'only'),
  component: lazyRouteComponent(() => import('./views/domain.tsx'), 'DomainView'),
});
const explain = createRoute({
  getParentRoute: () => shell,
  path: '/explain',
  validateSearch: words(
    'address',
    'sender',
    'client',
    'clientName',
    'helo',
    'login',
    'revision',
    'compare',
    'not',
    'open',
    'view',
  ),
  component: lazyRouteComponent(() => import('./views/explain.tsx'), 'ExplainView'),
});
const queue = createRoute({
  getParentRoute: () => shell,
  path: '/queue',
  validateSearch: words('view', 'state', 'sender', 'recipient', 'destination', 'reason', 'age', 'id'),
  component: lazyRouteComponent(() => import('./views/queue.tsx'), 'QueueView'),
});
const trace = createRoute({
  getParentRoute: () => shell,
  path: '/trace',
  validateSearch: words('text', 'subject', 'state', 'since', 'until', 'id'),
  component: lazyRouteComponent(() => import('./views/trace.tsx'), 'TraceView'),
});
const history = createRoute({
  getParentRoute: () => shell,
  path: '/history',
  validateSearch: words('revision', 'object', 'actor', 'area', 'since', 'until'),
  component: lazyRouteComponent(() => import('./views/history.tsx'), 'HistoryView'),
});
const administrators = createRoute({
  getParentRoute: () => shell,
  path: '/administrators',
  validateSearch: words('tab', 'open'),
  component: lazyRouteComponent(() => import('./views/administrators.tsx'), 'AdministratorsView'),
});
const defence = createRoute({
  getParentRoute: () => shell,
  path: '/defence',
  validateSearch: words('tab'),
  component: lazyRouteComponent(() => import('./views/defence.tsx'), 'DefenceView'),
});
const settings = createRoute({
  getParentRoute: () => shell,
  path: '/settings',
  validateSearch: words('tab', 'search', 'name', 'only'),
  component: lazyRouteComponent(() => import('./views/settings.tsx'), 'SettingsView'),
});
const mailbox = createRoute({
  getParentRoute: () => shell,
  path: '/mailbox',
  validateSearch: words('tab'),
  component: lazyRouteComponent(() => import('./views/own-mailbox.tsx'), 'OwnMailboxView'),
});
const account = createRoute({
  getParentRoute: () => shell,
  path: '/account',
  validateSearch: words('tab'),
  component: lazyRouteComponent(() => import('./views/account.tsx'), 'AccountView'),
});

const routeTree = root.addChildren([
  setup,
  forgotten,
  shell.addChildren([
    overview,
    domains,
    domain,
    explain,
    queue,
    trace,
    history,
    administrators,
    defence,
    settings,
    mailbox,
    account,
  ]),
]);

export const router = createRouter({
  routeTree,
  defaultPreload: 'intent',
  defaultPendingComponent: Loading,
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} onRetry={reset} />,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
