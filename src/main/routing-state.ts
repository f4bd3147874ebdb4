// Everything that a reload replaces: the configuration, its tables, the router, one policy a service, and the
// transports. The rest of the server holds a RoutingHolder and sees the newest state at each question.

import type { AddressVerifier } from '../access/address-verifier.ts';
import { openTables } from '../access/open-routing.ts';
import { noActions } from '../access/message-actions.ts';
import { RecipientPolicy } from '../access/recipient-policy.ts';
import { ContentChecks } from '../access/content-checks.ts';
import type { GreylistSource } from '../access/greylisting.ts';
import { ScreenRules } from '../access/screen-rules.ts';
import type { QuotaSource } from '../access/quota-source.ts';
import { listReader } from '../delivery/list-reader.ts';
import { type TransportParts, Transports } from '../delivery/transports.ts';
import type { Directory } from '../directory/directory.ts';
import { directoryTableOpener } from '../directory/tables.ts';
import { type Log, ProgramLog } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { toExternal } from '../address/form.ts';
import { HeaderChecks } from '../milter/header-checks.ts';
import { type MilterOptions, readMacroOptions, readMilters } from '../milter/options.ts';
import type { BeginContentCheck } from '../queue/content-check.ts';
import { LocalFilters } from '../queue/local-filters.ts';
import type { InternalMail } from '../queue/own-mail.ts';
import { type NoticePolicy, readNoticePolicy } from '../queue/notice-policy.ts';
import { Decision } from '../routing/decision.ts';
import { openMaps, openMatchList } from '../routing/open-maps.ts';
import { HeaderRewriting } from '../routing/header-rewriting.ts';
import { ProbeSender } from '../routing/probe-sender.ts';
import { Router } from '../routing/router.ts';
import type { AddressHandling } from '../routing/types.ts';
import type { Configuration } from '../settings/configuration.ts';
import type { Settings } from '../settings/settings.ts';
import type { Maps } from '../tables/maps.ts';
import type { MatchList } from '../tables/match-list.ts';
import type { Tables } from '../tables/registry.ts';
import { probeSettings } from './open-verifier.ts';

export interface RoutingParts {
  readonly directory: Directory;
  readonly quota: QuotaSource;
  readonly log: Log;
  /** For reject_unverified_sender and _recipient. */
  readonly verifier: () => AddressVerifier | undefined;
  /** For defer_greylisted. */
  readonly greylist: GreylistSource;
  readonly transports: Omit<
    TransportParts,
    | 'expandLocal'
    | 'virtualMailboxes'
    | 'clientTables'
    | 'genericMaps'
    | 'account'
    | 'settings'
    | 'lists'
    | 'vacations'
    | 'route'
  >;
}

export class RoutingState {
  readonly configuration: Configuration;
  readonly tables: Tables;
  readonly router: Router;
  /** For address probes: the router, or one with the address_verify_ parameters in place of its own. */
  readonly probeRouter: Router;
  readonly transports: Transports;
  readonly #probeSender: ProbeSender;
  /** Whom notices go to, and what they say. */
  readonly noticePolicy: NoticePolicy;
  readonly headerChecks: HeaderChecks;
  /** For mail that comes in by no SMTP session. */
  readonly localFilters: LocalFilters;
  readonly #parts: RoutingParts;
  readonly #warn: (text: string) => void;
  readonly #limitExceptions: MatchList;
  readonly #mynetworks: MatchList;
  readonly #submitters: MatchList;
  readonly #pickupChecks: ContentChecks;
  /** tls_server_sni_maps of the services, by what they say. */
  readonly #sniMaps = new Map<string, Maps>();
  readonly #policies = new Map<Settings, RecipientPolicy>();
  readonly #screens = new Map<Settings, ScreenRules>();

  private constructor(configuration: Configuration, tables: Tables, parts: RoutingParts) {
    this.configuration = configuration;
    this.tables = tables;
    this.#parts = parts;
    const log = new ProgramLog(parts.log, `${configuration.settings.text('syslog_name')}/trivial-rewrite`);
    const localFiles = listReader(parts.transports.files);
    this.router = new Router({ settings: configuration.settings, tables, log, localFiles });
    const probing = probeSettings(configuration.settings);
    this.probeRouter =
      probing === configuration.settings ? this.router : new Router({ settings: probing, tables, log, localFiles });
    const bounce = new ProgramLog(parts.log, `${configuration.settings.text('syslog_name')}/bounce`);
    this.noticePolicy = readNoticePolicy(configuration.settings, (text) => bounce.warning(text));
    this.#probeSender = new ProbeSender(configuration.settings, this.router.settings.standardForm);
    this.#warn = (text) => log.warning(text);
    const open = { settings: configuration.settings, registry: tables, warn: this.#warn };
    this.#limitExceptions = openMatchList(open, 'smtpd_client_event_limit_exceptions', 'client');
    this.#mynetworks = openMatchList(open, 'mynetworks', 'client');
    this.#submitters = openMatchList(open, 'authorized_submit_users', 'exact');
    const pickup = this.#pickupSettings;
    const isUnchecked = pickup
      .list('receive_override_options')
      .some((one) => one.toLowerCase() === 'no_header_body_checks');
    this.#pickupChecks = new ContentChecks({ ...open, settings: this.#cleanupSettings(pickup) ?? pickup }, isUnchecked);
    const cleanup = `${configuration.settings.text('syslog_name')}/cleanup`;
    this.headerChecks = new HeaderChecks(openMaps(open, 'milter_header_checks'), parts.log, cleanup);
    this.localFilters = new LocalFilters({
      milters: this.#localMilters(),
      macros: readMacroOptions(configuration.settings),
      checks: this.headerChecks,
      headerSizeLimit: configuration.settings.integer('header_size_limit'),
      sizeLimit: configuration.settings.integer('message_size_limit'),
      log: parts.log,
      program: cleanup,
    });
    if (configuration.services.some(({ command }) => command === 'local')) void this.router.local;
    this.transports = new Transports(configuration.services, {
      ...parts.transports,
      expandLocal: (...question) => this.router.expandLocal(...question),
      account: (database, name) => tables.open(`unix:${database}.byname`).lookup(name),
      clientTables: (settings, protocol) => this.router.clientTables(settings, protocol),
      genericMaps: (protocol, settings) => this.router.genericMaps(protocol, settings),
      virtualMailboxes: (settings) => this.router.virtualMailboxes(settings),
      settings: configuration.settings,
      lists: parts.directory.lookups.lists,
      vacations: parts.directory.lookups.vacations,
      route: async (address, sender, handling) => {
        const { failure, deliveries } = await this.router.resolve(address, { sender, handling });
        if (failure !== undefined) throw new TemporaryError(failure.text);
        return deliveries;
      },
    });
  }

  /** non_smtpd_milters, unless the pickup service has `no_milters`. */
  #localMilters(): readonly MilterOptions[] {
    const pickup = this.#pickupSettings;
    const overrides = pickup.list('receive_override_options').map((word) => word.toLowerCase());
    return overrides.includes('no_milters') ? [] : readMilters(pickup, 'non_smtpd_milters');
  }

  /** Throws SettingsError where a table, list or restriction cannot be used; then nothing stays open. */
  static async open(configuration: Configuration, parts: RoutingParts): Promise<RoutingState> {
    const tables = openTables({
      settings: configuration.settings,
      log: parts.log,
      isWatching: true,
      openers: { directory: directoryTableOpener(parts.directory) },
      revisionSources: [parts.directory],
    });
    try {
      const state = new RoutingState(configuration, tables, parts);
      for (const service of configuration.services) {
        if (['inet', 'pass'].includes(service.type) && service.command === 'smtpd') state.policy(service.settings);
        if (service.type === 'inet' && service.command === 'postscreen') state.screenRules(service.settings);
      }
      state.policy(configuration.settings);
      await tables.ready();
      return state;
    } catch (error) {
      tables.close();
      throw error;
    }
  }

  /** The restrictions of a service with these settings. */
  /** `-o` of the cleanup line that a service names, as `-o cleanup_service_name=subcleanup` of a submission service. */
  #cleanupSettings(settings: Settings): Settings | undefined {
    const name = settings.text('cleanup_service_name');
    const { services } = this.configuration;
    return services.find((service) => service.name === name && service.command === 'cleanup')?.settings;
  }

  policy(settings: Settings): RecipientPolicy {
    let policy = this.#policies.get(settings);
    if (!policy) {
      const { router, tables } = this;
      this.#openSniMaps(settings);
      const { log, quota, verifier, transports, greylist } = this.#parts;
      const posting = this.#parts.directory.lookups.posting;
      const { resolver } = transports;
      policy = new RecipientPolicy({
        settings,
        cleanupSettings: this.#cleanupSettings(settings),
        tables,
        router,
        log,
        quota,
        posting,
        resolver,
        verifier,
        greylist,
      });
      this.#policies.set(settings, policy);
    }
    return policy;
  }

  #openSniMaps(settings: Settings): void {
    const warn = (text: string) => this.#warn(text);
    const maps = openMaps({ settings, registry: this.tables, warn }, 'tls_server_sni_maps');
    if (!maps.isEmpty) this.#sniMaps.set(settings.text('tls_server_sni_maps'), maps);
  }

  /** A row of tls_server_sni_maps, which say `text`. Throws TemporaryError. */
  async sniRow(text: string, key: string): Promise<string | undefined> {
    return (await this.#sniMaps.get(text)?.find(new Decision(false), 'sni', key, 'full'))?.value;
  }

  /** What a postscreen service with these settings looks at. */
  screenRules(settings: Settings): ScreenRules {
    let rules = this.#screens.get(settings);
    if (rules === undefined) {
      const log = new ProgramLog(this.#parts.log, `${settings.text('syslog_name')}/postscreen`);
      const open = { settings, registry: this.tables, warn: (text: string) => log.warning(text) };
      rules = new ScreenRules(open, this.#parts.transports.resolver);
      this.#screens.set(settings, rules);
    }
    return rules;
  }

  /** address_verify_sender of this moment, external form. */
  get probeSender(): string {
    return toExternal(this.#probeSender.address);
  }

  /** The connection and rate limits do not hold for this client (smtpd_client_event_limit_exceptions). */
  isLimitException({ name, address }: { name: string; address: string }): Promise<boolean> | boolean {
    return this.#limitExceptions.matches(new Decision(false), 'access', name, address);
  }

  async isMyNetwork(address: string): Promise<boolean> {
    return await this.#mynetworks.matches(new Decision(false), 'access', '', address);
  }

  /** Whether a user of this machine may use the sendmail command. */
  async maySubmit(user: () => Promise<string>): Promise<boolean> {
    if (this.configuration.settings.text('authorized_submit_users') === 'static:anyone') return true;
    return await this.#submitters.matches(new Decision(false), 'access', await user());
  }

  get #pickupSettings(): Settings {
    const { services, settings } = this.configuration;
    return services.find(({ command }) => command === 'pickup')?.settings ?? settings;
  }

  /** What is done to the addresses of locally written mail: receive_override_options of the pickup service. */
  get pickupHandling(): AddressHandling {
    return this.#pickupSettings.list('receive_override_options').includes('no_address_mappings')
      ? 'unmapped'
      : 'external';
  }

  /** header_checks and body_checks of mail that the sendmail command brings. */
  beginPickupCheck: BeginContentCheck = (facts) => {
    const checks = this.#pickupChecks;
    if (checks.isEmpty) return undefined;
    const orders = noActions();
    const log = (level: 'info' | 'warning', text: string): void =>
      this.#parts.log.write(`${this.configuration.settings.text('syslog_name')}/cleanup`, level, text);
    const info = (text: string): void => log('info', text);
    const warn = (text: string): void => log('warning', text);
    return { orders, check: checks.begin({ ...facts, actions: orders, info, warn }) };
  };

  /** content_filter of the pickup service. */
  get pickupFilter(): string {
    return this.#pickupSettings.text('content_filter');
  }

  /** non_smtpd_milters for what the mail system writes itself, where it is to be filtered. */
  internalFilters(kind: InternalMail): LocalFilters | undefined {
    const classes = this.configuration.settings.list('internal_mail_filter_classes');
    return classes.includes(kind) && !this.localFilters.isEmpty ? this.localFilters : undefined;
  }

  pickupRewriter(): HeaderRewriting {
    const mapsAddresses = this.pickupHandling === 'external';
    return new HeaderRewriting({ router: this.router, context: 'local', mapsAddresses });
  }

  close(): void {
    // Sessions that are kept end politely meanwhile; a delivery that still runs ends its own.
    void this.transports.close();
    this.tables.close();
  }
}
