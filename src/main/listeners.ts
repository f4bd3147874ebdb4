// What listens where: a listener for each inet smtpd service of master.cf and each posthaste_*_listen address.

import type { AddressHandling } from '../routing/types.ts';
import type { RecipientPolicy } from '../access/recipient-policy.ts';
import type { AskingAhead } from '../access/recipients-ahead.ts';
import type { CommandFilter } from '../access/command-filter.ts';
import type { ContentChecks } from '../access/content-checks.ts';
import type { RejectFooter } from '../access/reject-footer.ts';
import type { Configuration } from '../settings/configuration.ts';
import { type ListenAddress, listenAddresses, type MasterService } from '../settings/services.ts';
import type { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { type ServiceProtocol, readServiceOptions } from '../smtp-server/options.ts';
import type { SharedParts } from '../smtp-server/parts.ts';
import type { SmtpPolicy } from '../smtp-server/policy.ts';
import { ConnectionScreen, type ScreenCache } from '../smtp-server/screen/connection-screen.ts';
import { SmtpServer } from '../smtp-server/server.ts';
import type { RoutingState } from './routing-state.ts';
import type { CurrentTls } from './server-tls.ts';

export interface PlannedListener extends ListenAddress {
  /** For people: `smtp`, `submission`, `imaps`. */
  readonly label: string;
  readonly kind: 'smtp' | 'lmtp' | 'imap' | 'imaps' | 'http' | 'https';
  /** The key under which a reload finds the service again. */
  readonly service: string;
  readonly settings: Settings;
  /** Of the postscreen service that stands before it. */
  readonly screen?: Settings;
}

/** Every address that the configuration names. Throws SettingsError for what cannot be served. */
export function planListeners({ services, settings }: Configuration): PlannedListener[] {
  const planned: PlannedListener[] = [];
  for (const service of services) {
    if (service.type !== 'inet') continue;
    if (service.command === 'qmqpd') {
      throw new SettingsError(
        `${service.file}:${service.line}: QMQP is not served: take the line out, and have its clients send by SMTP`,
      );
    }
    if (service.command === 'postscreen') {
      planned.push(...planScreened(service, services));
      continue;
    }
    if (service.command !== 'smtpd') {
      throw new SettingsError(
        `${service.file}:${service.line}: there is no server for the inet service ${service.name} (${service.command}) yet: take the line out`,
      );
    }
    refuseProxy(service);
    for (const address of listenAddresses(service.name, service.settings)) {
      planned.push({
        ...address,
        label: smtpLabel(service),
        kind: 'smtp',
        service: service.name,
        settings: service.settings,
      });
    }
  }
  const own = [
    ['posthaste_lmtp_listen', 'lmtp'],
    ['posthaste_imap_listen', 'imap'],
    ['posthaste_imaps_listen', 'imaps'],
    ['posthaste_https_listen', 'https'],
    ['posthaste_http_listen', 'http'],
  ] as const;
  for (const [parameter, kind] of own) {
    for (const text of settings.list(parameter)) {
      for (const address of listenAddresses(text, settings, parameter)) {
        planned.push({ ...address, label: kind, kind, service: parameter, settings });
      }
    }
  }
  refuseUnserved(settings);
  return planned;
}

/** Mail must not go round a filter: better no start than one without it. */
function refuseProxy({ name, settings }: MasterService): void {
  if (settings.text('smtpd_proxy_filter') === '') return;
  throw new SettingsError(
    `smtpd_proxy_filter: filters between client and queue are not supported (service ${name}): use smtpd_milters or content_filter`,
    'smtpd_proxy_filter',
    settings.origin('smtpd_proxy_filter'),
  );
}

/** `smtp inet ... postscreen` stands before `smtpd pass ... smtpd` (postscreen(8)): it hands its connections on. */
function planScreened(screen: MasterService, services: readonly MasterService[]): PlannedListener[] {
  const name = screen.settings.text('smtpd_service_name');
  const behind = services.find((one) => one.type === 'pass' && one.name === name && one.command === 'smtpd');
  if (behind === undefined) {
    const text = `${screen.file}:${screen.line}: postscreen needs a line \`${name} pass - - n - - smtpd' to hand connections to`;
    throw new SettingsError(text);
  }
  return listenAddresses(screen.name, screen.settings).map((address) => ({
    ...address,
    label: smtpLabel(behind),
    kind: 'smtp',
    service: screen.name,
    settings: behind.settings,
    screen: screen.settings,
  }));
}

function refuseUnserved(settings: Settings): void {
  const later = [
    ['posthaste_pop3_listen', 'POP3'],
    ['posthaste_pop3s_listen', 'POP3'],
    ['posthaste_sieve_listen', 'ManageSieve'],
  ] as const;
  for (const [parameter, protocol] of later) {
    if (settings.list(parameter).length === 0) continue;
    throw new SettingsError(
      `${parameter}: there is no ${protocol} server yet: leave it empty`,
      parameter,
      settings.origin(parameter),
    );
  }
}

function smtpLabel(service: MasterService): string {
  if (service.settings.flag('smtpd_tls_wrappermode')) return 'submissions';
  return service.settings.flag('smtpd_sasl_auth_enable') ? 'submission' : 'smtp';
}

/** Asks the policy of the newest configuration; a service that a reload has removed keeps its last one. */
class CurrentPolicy implements SmtpPolicy {
  readonly #state: () => RoutingState;
  settings: Settings;

  constructor(state: () => RoutingState, settings: Settings) {
    this.#state = state;
    this.settings = settings;
  }

  get #policy(): RecipientPolicy {
    return this.#state().policy(this.settings);
  }

  get isDelayed(): boolean {
    return this.#policy.isDelayed;
  }

  get ahead(): AskingAhead {
    return this.#policy.ahead;
  }

  clientRights: SmtpPolicy['clientRights'] = (client) => this.#policy.clientRights(client);
  get footer(): RejectFooter {
    return this.#policy.footer;
  }

  get commandFilter(): CommandFilter {
    return this.#policy.commandFilter;
  }

  get contentChecks(): ContentChecks {
    return this.#policy.contentChecks;
  }

  allowsMechanism: SmtpPolicy['allowsMechanism'] = (name) => this.#policy.allowsMechanism(name);
  checkClient: SmtpPolicy['checkClient'] = (...question) => this.#policy.checkClient(...question);
  checkHelo: SmtpPolicy['checkHelo'] = (...question) => this.#policy.checkHelo(...question);
  checkSender: SmtpPolicy['checkSender'] = (...question) => this.#policy.checkSender(...question);
  checkRecipient: SmtpPolicy['checkRecipient'] = (...question) => this.#policy.checkRecipient(...question);
  checkData: SmtpPolicy['checkData'] = (request) => this.#policy.checkData(request);
  checkEndOfData: SmtpPolicy['checkEndOfData'] = (request) => this.#policy.checkEndOfData(request);
  checkEtrn: SmtpPolicy['checkEtrn'] = (...question) => this.#policy.checkEtrn(...question);
  isFlushedSite: SmtpPolicy['isFlushedSite'] = (site) => this.#policy.isFlushedSite(site);
  routeOrdered: SmtpPolicy['routeOrdered'] = (...question) => this.#policy.routeOrdered(...question);

  get handling(): AddressHandling {
    return this.#policy.handling ?? 'external';
  }

  fieldRewriter = (context: 'local' | 'remote') => this.#policy.fieldRewriter?.(context);
  envelopeSender = async (sender: string) => (await this.#policy.envelopeSender?.(sender)) ?? sender;
  isHeaderClient = async (address: string) => (await this.#policy.isHeaderClient?.(address)) ?? false;
}

export interface ListenerParts extends SharedParts {
  /** Clients that have passed the tests before the greeting. */
  readonly screened: ScreenCache;
}

export class SmtpListener {
  readonly plan: PlannedListener;
  readonly #server: SmtpServer;
  readonly #policy: CurrentPolicy;
  #screenSettings: Settings | undefined;

  constructor(plan: PlannedListener, parts: ListenerParts, state: () => RoutingState, tls: CurrentTls) {
    this.plan = plan;
    this.#screenSettings = plan.screen;
    this.#policy = new CurrentPolicy(state, plan.settings);
    const service = readServiceOptions(plan.settings, this.#protocol);
    const { screened: cache, ...shared } = parts;
    const { clock, log } = shared;
    const rules = () => state().screenRules(this.#screenSettings as Settings);
    const screen = plan.screen === undefined ? undefined : new ConnectionScreen({ rules, cache, clock, log });
    this.#server = new SmtpServer({ ...shared, policy: this.#policy, service, serviceName: plan.service, screen, tls });
  }

  get #protocol(): ServiceProtocol {
    return this.plan.kind === 'lmtp' ? 'lmtp' : 'smtp';
  }

  get sessionCount(): number {
    return this.#server.sessionCount;
  }

  listen(): Promise<{ host: string; port: number }> {
    return this.#server.listen({ host: this.plan.host, port: this.plan.port });
  }

  /** Sessions that begin from now on keep to these settings. */
  reload({ settings, screen }: PlannedListener): void {
    this.#screenSettings = screen ?? this.#screenSettings;
    this.#policy.settings = settings;
    this.#server.reload(readServiceOptions(settings, this.#protocol));
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

export class ListenError extends Error {
  override name = 'ListenError';
}

/** `service`: the parameter that names the address, or the service of master.cf. */
export function listenError(
  { host, port, label, service }: Pick<PlannedListener, 'host' | 'port' | 'label' | 'service'>,
  error: unknown,
): ListenError {
  const { code } = error as NodeJS.ErrnoException;
  const other = service.startsWith('posthaste_') ? `${service} of main.cf` : `the line of "${service}" in master.cf`;
  const why =
    code === 'EADDRINUSE'
      ? `another program listens there: end it, or change ${other}`
      : code === 'EACCES'
        ? `only root may: start as root, or change ${other}`
        : `${String(error)}: change ${other}`;
  return new ListenError(`cannot listen on ${port === 0 ? host : `${host}:${port}`} (${label}): ${why}`);
}
