// Everything that a reload replaces: the configuration, its tables, the router, one policy a service, and the
// transports. The rest of the server holds a RoutingHolder and sees the newest state at each question.

import { RecipientPolicy } from '../access/recipient-policy.ts';
import type { QuotaSource } from '../access/quota-source.ts';
import { type TransportParts, Transports } from '../delivery/transports.ts';
import type { Directory } from '../directory/directory.ts';
import { directoryTableOpener } from '../directory/tables.ts';
import { type Log, ProgramLog } from '../lib/log.ts';
import { Router } from '../routing/router.ts';
import type { Configuration } from '../settings/configuration.ts';
import type { Settings } from '../settings/settings.ts';
import { Tables } from '../tables/registry.ts';

export interface RoutingParts {
  readonly directory: Directory;
  readonly quota: QuotaSource;
  readonly log: Log;
  readonly transports: TransportParts;
}

export class RoutingState {
  readonly configuration: Configuration;
  readonly tables: Tables;
  readonly router: Router;
  readonly transports: Transports;
  readonly #parts: RoutingParts;
  readonly #policies = new Map<Settings, RecipientPolicy>();

  private constructor(configuration: Configuration, tables: Tables, parts: RoutingParts) {
    this.configuration = configuration;
    this.tables = tables;
    this.#parts = parts;
    const log = new ProgramLog(parts.log, `${configuration.settings.text('syslog_name')}/trivial-rewrite`);
    this.router = new Router({ settings: configuration.settings, tables, log });
    this.transports = new Transports(configuration.services, parts.transports);
  }

  /** Throws SettingsError where a table, list or restriction cannot be used; then nothing stays open. */
  static async open(configuration: Configuration, parts: RoutingParts): Promise<RoutingState> {
    const { settings } = configuration;
    const tables = new Tables({
      log: parts.log,
      isWatching: true,
      proxyReadMaps: settings.list('proxy_read_maps'),
      openers: { directory: directoryTableOpener(parts.directory) },
      revisionSources: [parts.directory],
    });
    try {
      const state = new RoutingState(configuration, tables, parts);
      for (const service of configuration.services) {
        if (service.type === 'inet' && service.command === 'smtpd') state.policy(service.settings);
      }
      state.policy(settings);
      await tables.ready();
      return state;
    } catch (error) {
      tables.close();
      throw error;
    }
  }

  /** The restrictions of a service with these settings. */
  policy(settings: Settings): RecipientPolicy {
    let policy = this.#policies.get(settings);
    if (!policy) {
      const { router, tables } = this;
      const { log, quota } = this.#parts;
      policy = new RecipientPolicy({ settings, tables, router, log, quota });
      this.#policies.set(settings, policy);
    }
    return policy;
  }

  close(): void {
    this.tables.close();
  }
}
