// Puts routing and access together for one configuration: tables, router, and a policy for each service. Used by the
// server, and by the commands that answer without one (`explain`), which pass `isWatching: false` and write nothing.

import { ProgramLog, type Log } from '../lib/log.ts';
import { Router } from '../routing/router.ts';
import type { Resolver } from '../dns/resolver.ts';
import { keptEnvironment } from '../settings/kept-environment.ts';
import type { Settings } from '../settings/settings.ts';
import { Tables } from '../tables/registry.ts';
import type { RevisionSource, TableOpener } from '../tables/table.ts';
import type { PostingSource } from './posting-source.ts';
import type { QuotaSource } from './quota-source.ts';
import { RecipientPolicy } from './recipient-policy.ts';

export interface OpenRoutingOptions {
  /** main.cf's. */
  readonly settings: Settings;
  readonly log: Log;
  /** Follow changes of table files. */
  readonly isWatching: boolean;
  /** Table types of higher folders: `directory`. */
  readonly openers?: Readonly<Record<string, TableOpener>>;
  /** Whose rows may change between two lookups: the directory. */
  readonly revisionSources?: readonly RevisionSource[];
  readonly quota?: QuotaSource;
  readonly posting?: PostingSource;
  /** For the restrictions that ask the DNS. */
  readonly resolver?: Resolver;
}

export interface Routing {
  readonly settings: Settings;
  readonly tables: Tables;
  readonly router: Router;
  /** The policy of a service with these settings (main.cf with the service's `-o`). Throws SettingsError. */
  policy(settings: Settings): RecipientPolicy;
  close(): void;
}

/** All table types with the settings that concern them; no table is opened yet. */
export function openTables(options: Omit<OpenRoutingOptions, 'quota' | 'posting' | 'resolver'>): Tables {
  const { settings, log, isWatching, openers = {}, revisionSources = [] } = options;
  const proxyReadMaps = settings.list('proxy_read_maps');
  const parameter = (name: string): string | undefined => (settings.isSet(name) ? settings.expanded(name) : undefined);
  return new Tables({
    environment: keptEnvironment(settings),
    log,
    isWatching,
    openers,
    revisionSources,
    proxyReadMaps,
    parameter,
  });
}

/** Throws SettingsError for tables and lists that cannot be opened. */
export function openRouting(options: OpenRoutingOptions): Routing {
  const { settings, log, quota, posting, resolver } = options;
  const tables = openTables(options);
  const routerLog = new ProgramLog(log, `${settings.text('syslog_name')}/cleanup`);
  const router = new Router({ settings, tables, log: routerLog });
  return {
    settings,
    tables,
    router,
    policy: (service) =>
      new RecipientPolicy({
        settings: service,
        tables,
        router,
        log,
        ...(quota && { quota }),
        ...(posting && { posting }),
        ...(resolver && { resolver }),
      }),
    close: () => tables.close(),
  };
}
