// The composition root: one server from one configuration folder. Opens the parts in the order in which mail
// needs them, closes them in the opposite order, and knows no mail itself.

import type { ControlRequest, DefenceRequest } from '../cli/control.ts';
import type { Directory } from '../directory/directory.ts';
import { ClientNames } from '../dns/client-names.ts';
import { HostsFile } from '../dns/hosts-file.ts';
import { SystemResolver } from '../dns/system-resolver.ts';
import { ImapServer } from '../imap-server/server.ts';
import { systemClock } from '../lib/clock.ts';
import { ProgramLog } from '../lib/log.ts';
import { PassingBytes, youngCollection } from '../lib/passing-bytes.ts';
import type { LogWriter } from '../lib/log-writer.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { openMailstore, type SqliteMailstore } from '../mailstore/store.ts';
import type { QueueChanges } from '../queue/queue-changes.ts';
import type { Scheduler } from '../queue/scheduler.ts';
import type { Queue, RouteRecipient } from '../queue/submit.ts';
import { type Configuration, dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { type Finding, unsaid } from '../settings/origin.ts';
import type { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { startControlServer } from './control-server.ts';
import { type DataLock, lockDataFolder, makeDataFolder } from './data-lock.ts';
import { Defence, isDefenceRequest } from './defence.ts';
import { HttpListeners } from './http.ts';
import { FreeSpace } from './free-space.ts';
import { listenError, type PlannedListener, planListeners, SmtpListener } from './listeners.ts';
import { loadBackends, Logins } from './logins.ts';
import { mailboxRoom } from './mailbox-room.ts';
import { openLog } from './log-output.ts';
import { linkMaildrop, openMaildrop } from './maildrop-folder.ts';
import { needsRestart } from './needs-restart.ts';
import { enabledMailboxes, mailboxRules, openDirectory, openTls, toListed } from './open-parts.ts';
import { Observation } from './observation.ts';
import { openImports } from './open-imports.ts';
import { type OpenedQueue, openQueue } from './open-queue.ts';
import { Helper } from '../delivery/helper/on-demand.ts';
import type { CommandJob, CommandOutcome, FileJob, FileOutcome } from '../delivery/helper/protocol.ts';
import { dropPrivileges } from './privileges.ts';
import { RoutingState } from './routing-state.ts';
import { ServerReport } from './server-report.ts';
import type { ServiceTls } from './server-tls.ts';
import { Upkeep } from './upkeep.ts';
import { version } from './version.ts';

type BoundListener = Pick<PlannedListener, 'label' | 'host' | 'port'>;

export class Server {
  readonly dataDirectory: string;
  readonly #configDirectory: string;
  readonly #log: LogWriter;
  readonly #own: ProgramLog;
  #hasStarted = false;
  readonly #observation: Observation;
  readonly #report: ServerReport;
  #state!: RoutingState;
  #lock!: DataLock;
  #directory!: Directory;
  #defence!: Defence;
  #store!: SqliteMailstore;
  readonly #files = new Helper<FileJob, FileOutcome>('file-helper', (reason) => this.#own.error(reason));
  readonly #commands = new Helper<CommandJob, CommandOutcome>('command-helper', (reason) => this.#own.error(reason));
  readonly #bytes = new PassingBytes(youngCollection());
  #tls!: ServiceTls;
  #scheduler!: Scheduler;
  #queueChanges!: QueueChanges;
  #opened: OpenedQueue | undefined;
  #imap!: ImapServer;
  #logins!: Logins;
  #http: HttpListeners | undefined;
  #imports: Awaited<ReturnType<typeof openImports>> | undefined;
  #control: Awaited<ReturnType<typeof startControlServer>> | undefined;
  readonly #smtpListeners: SmtpListener[] = [];
  readonly #bound: BoundListener[] = [];
  /** What it was started with. */
  #started!: { readonly listeners: readonly PlannedListener[]; readonly settings: Settings };
  #upkeep: Upkeep | undefined;
  #stopping: Promise<void> | undefined;
  readonly #stopListeners: (() => void)[] = [];
  /** Called when the server has ended itself because the store is broken. */
  readonly #onBroken: (error: Error) => void;

  private constructor(configuration: Configuration, onBroken: (error: Error) => void, log?: LogWriter) {
    this.#configDirectory = configuration.directory;
    this.dataDirectory = dataDirectoryOf(configuration);
    this.#onBroken = onBroken;
    this.#log = log ?? openLog(configuration.settings);
    this.#own = new ProgramLog(this.#log, `${configuration.settings.text('syslog_name')}/master`);
    this.#observation = new Observation(configuration.settings, this.#log, this.dataDirectory);
    this.#report = new ServerReport({
      configDirectory: this.#configDirectory,
      dataDirectory: this.dataDirectory,
      observation: this.#observation,
      store: () => this.#store,
      defence: () => this.#defence,
      configuration: () => this.#state.configuration,
      listeners: () => this.#bound.map(toListed),
      connections: () => this.#connections(),
      active: () => this.#scheduler.activeCount,
      entered: () => this.#opened?.entered() ?? 0,
    });
  }

  /** Resolves when everything listens. Throws where anything cannot; then nothing is left open. */
  static async start(configuration: Configuration, onBroken: (error: Error) => void, log?: LogWriter): Promise<Server> {
    const server = new Server(configuration, onBroken, log);
    try {
      await server.#open(configuration);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get listeners(): readonly BoundListener[] {
    return this.#bound;
  }

  async #open(configuration: Configuration): Promise<void> {
    const { settings } = configuration;
    this.#warn(configuration.findings);
    this.#started = { listeners: planListeners(configuration), settings };
    makeDataFolder(this.dataDirectory);
    this.#lock = lockDataFolder(this.dataDirectory);
    await this.#openStores(configuration);
    this.#tls = await openTls(settings, this.dataDirectory, this.#own, () => this.#state);
    this.#state = await this.#openState(configuration);
    this.#warn(unsaid(this.#state.transports.findings, configuration.findings));
    this.#openQueue(configuration);
    await this.#listen(configuration);
    this.#bound.push(...this.#tls.bound, ...(await this.#observe()));
    const commands = new Set(configuration.services.map(({ command }) => command));
    if (commands.has('virtual') || commands.has('local')) this.#files.prepare();
    if (commands.has('pipe') || commands.has('local')) this.#commands.prepare();
    linkMaildrop(this.#configDirectory, this.dataDirectory, this.#own);
    dropPrivileges(settings.text('posthaste_user'), this.dataDirectory, this.#own, this.#log);
    openMaildrop(this.dataDirectory, this.#own);
    this.#observation.start();
    this.#tls.start();
    this.#scheduler.start();
    this.#opened?.pickup?.start();
    this.#control = await startControlServer(this.dataDirectory, this.#answer);
    this.#imports = await openImports(this.dataDirectory, this.#store);
    this.#upkeep = new Upkeep({ directory: this.#directory, store: this.#store, clock: systemClock, log: this.#own });
    this.#upkeep.start();
    this.#hasStarted = true;
    this.#own.info(`daemon started -- version ${version}, configuration ${this.#configDirectory}`);
  }

  #warn(findings: readonly Finding[]): void {
    for (const { file, line, text } of findings) this.#own.warning(`${file}:${line}: ${text}`);
  }

  async #openStores({ settings }: Configuration): Promise<void> {
    this.#directory = await openDirectory(settings, this.dataDirectory, this.#own);
    const [directory, log, { metrics }] = [this.#directory, this.#log, this.#observation];
    const { dataDirectory } = this;
    this.#defence = new Defence(settings, { dataDirectory, directory, log, metrics, state: () => this.#state });
    this.#store = await openMailstore({
      folder: this.dataDirectory,
      inlineLimit: settings.integer('posthaste_inline_limit'),
      synchronous: settings.text('posthaste_store_synchronous') === 'NORMAL' ? 'NORMAL' : 'FULL',
      log: new ProgramLog(this.#log, `${settings.text('syslog_name')}/mailstore`),
      onBroken: (error) => this.#broken(error),
      onCommit: this.#observation.metrics.committed,
      bytes: this.#bytes,
    });
  }

  #openState(configuration: Configuration): Promise<RoutingState> {
    return RoutingState.open(configuration, {
      directory: this.#directory,
      quota: mailboxRoom(this.#directory, this.#store),
      log: this.#log,
      verifier: () => this.#opened?.verifier,
      greylist: this.#defence.greylist,
      transports: {
        resolver: this.#resolver,
        mailboxes: this.#mailboxes,
        usage: this.#store,
        store: this.#store,
        clock: systemClock,
        log: this.#log,
        files: this.#files,
        commands: this.#commands,
      },
    });
  }

  readonly #hosts = new HostsFile('/etc/hosts', systemClock);
  readonly #resolver = new SystemResolver();
  readonly #mailboxes = enabledMailboxes(() => this.#directory);
  readonly #route: RouteRecipient = async (recipient, sender, handling) => {
    const resolution = await this.#state.router.resolve(recipient, { sender, handling });
    if (resolution.failure) throw new TemporaryError(resolution.failure.text);
    return resolution.deliveries;
  };

  #openQueue({ settings }: Configuration): void {
    const opened = openQueue(settings, {
      dataDirectory: this.dataDirectory,
      store: this.#store,
      log: this.#log,
      metrics: this.#observation.metrics,
      mailboxes: this.#mailboxes,
      caught: this.#directory.caught,
      route: this.#route,
      state: () => this.#state,
    });
    this.#scheduler = opened.scheduler;
    this.#queueChanges = opened.changes;
    this.#opened = opened;
  }

  async #listen({ settings }: Configuration): Promise<void> {
    const gate = this.#defence.guard;
    const given = { directory: this.#directory, log: this.#log, clock: systemClock, gate };
    this.#logins = new Logins(settings, { ...given, backends: await loadBackends(settings) });
    const { authenticator, sasl } = this.#logins;
    const freeSpace = new FreeSpace(this.dataDirectory, systemClock);
    const shared = { store: this.#store, sasl, log: this.#log, clock: systemClock };
    const parts = {
      ...shared,
      queue: this.#opened?.queue as Queue,
      ...this.#defence.smtpParts,
      dovecotAuth: (path: string) => this.#logins.dovecotAuth(path),
      clientNames: new ClientNames({ resolver: this.#resolver, hosts: this.#hosts, clock: systemClock }),
      freeSpace: () => freeSpace.octets(),
      ...(this.#opened === undefined ? {} : { reports: this.#opened.reports }),
      flushSite: (site: string) => this.#opened?.siteFlush.request(site) ?? false,
      metrics: this.#observation.metrics,
      newSession: this.#observation.newSession,
      isLimitException: (client: { address: string; name: string }) => this.#state.isLimitException(client),
      bytes: this.#bytes,
      headerChecks: () => this.#state.headerChecks,
      isMyNetwork: (address: string) => this.#state.isMyNetwork(address),
    };
    const imap = { settings, authenticator, tls: this.#tls.current('imap') };
    this.#imap = new ImapServer({ ...shared, ...mailboxRules(this.#directory), ...imap });
    const http = {
      authenticator,
      gate,
      tls: this.#tls.current('https'),
      state: () => this.#state,
      answer: this.#answer,
      observation: this.#observation,
      activeCount: () => this.#scheduler.activeCount,
      rehearse: async (proposed: Configuration) => (await this.#openState(proposed)).close(),
    };
    const stores = { directory: this.#directory, store: this.#store, log: this.#log, started: this.#started };
    this.#http = new HttpListeners({ ...http, ...stores, ownMail: () => this.#opened?.ownMail });
    (await this.#tls.prepare(this.#started.listeners))();
    for (const plan of this.#started.listeners) {
      try {
        const port = await this.#listenOn(plan, parts);
        this.#bound.push({ label: plan.label, host: plan.host, port });
      } catch (error) {
        throw listenError(plan, error);
      }
    }
    this.#bound.push(...(await this.#logins.listen()));
  }

  #observe() {
    const active = () => this.#scheduler.activeCount;
    return this.#observation.listen({ store: this.#store, active, connections: () => this.#connections() });
  }

  async #listenOn(plan: PlannedListener, parts: ConstructorParameters<typeof SmtpListener>[1]): Promise<number> {
    if (plan.kind === 'imap' || plan.kind === 'imaps') {
      return await this.#imap.listen(plan.host, plan.port, { implicitTls: plan.kind === 'imaps' });
    }
    if (plan.kind === 'http' || plan.kind === 'https') return (await this.#http?.listen(plan)) ?? plan.port;
    const listener = new SmtpListener(plan, parts, () => this.#state, this.#tls.current(plan.service));
    const { port } = await listener.listen();
    this.#smtpListeners.push(listener);
    return port;
  }

  readonly #answer = (request: ControlRequest): Promise<unknown> =>
    isDefenceRequest(request) ? this.#defence.answer(request) : this.#handle(request);

  async #handle(request: Exclude<ControlRequest, DefenceRequest>): Promise<unknown> {
    switch (request.command) {
      case 'status':
        return await this.#report.status();
      case 'health':
        return await this.#report.health();
      case 'statistics-flush':
        return await this.#observation.flushStatistics();
      case 'accounting-acknowledge':
        return await this.#observation.acknowledgeMismatch();
      case 'trace-flush':
        return await this.#observation.flushTrace();
      case 'reload':
        return await this.reload();
      case 'stop':
        await this.stop();
        // The answer goes out first.
        setTimeout(() => this.#stopListeners.forEach((listener) => listener()), 50);
        return undefined;
      case 'quota-recalculate':
        return await this.#store.recalculateQuota(request.mailbox ?? 0);
      case 'queue-flush':
        await this.#scheduler.flush();
        return undefined;
      case 'queue-active':
        return this.#scheduler.activeIds;
      case 'certificate-renew':
        return await this.#tls.renew(request.host ?? '');
      case 'queue-change':
        return await this.#queueChanges.apply(request.change ?? 'flush', request.ids ?? []);
    }
  }

  #connections() {
    const smtp = this.#smtpListeners.reduce((sum, listener) => sum + listener.sessionCount, 0);
    return { smtp, imap: this.#imap.sessionCount };
  }

  /** Reads configuration, tables and certificates again; returns what needs a restart. On a mistake all stays as it was. */
  async reload(): Promise<string[]> {
    const configuration = await loadConfiguration(this.#configDirectory);
    const mistake = configuration.findings.find((finding) => finding.severity === 'error');
    if (mistake) throw new SettingsError(`${mistake.file}:${mistake.line}: ${mistake.text}`);
    const planned = planListeners(configuration);
    const applyTls = await this.#tls.prepare(planned);
    const backends = await loadBackends(configuration.settings);
    const previous = this.#state;
    const next = await this.#openState(configuration);
    this.#logins.reload(configuration.settings, backends);
    this.#state = next;
    previous.close();
    this.#opened?.verifier.forgetRefusals();
    this.#log.reopen();
    await this.#tls.reload();
    applyTls();
    for (const listener of this.#smtpListeners) {
      const { service, kind } = listener.plan;
      const plan = planned.find((one) => one.service === service && one.kind === kind);
      if (plan) listener.reload(plan);
    }
    this.#warn(configuration.findings);
    this.#warn(unsaid(this.#state.transports.findings, configuration.findings));
    const warnings = needsRestart(this.#started, { listeners: planned, settings: configuration.settings });
    for (const warning of warnings) this.#own.warning(warning);
    this.#own.info(`reload -- version ${version}, configuration ${this.#configDirectory}`);
    return warnings;
  }

  /** For whoever started it: what to do next depends on what is there. */
  get directory(): Directory {
    return this.#directory;
  }

  whenStopped(listener: () => void): void {
    this.#stopListeners.push(listener);
  }

  /** Takes nothing more, finishes what was accepted, closes everything; the second call waits for the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#smtpListeners.map((listener) => listener.close()));
    await this.#http?.close();
    await this.#imap?.close();
    await this.#logins?.close();
    await this.#opened?.siteFlush.close();
    await Promise.all([this.#upkeep?.close(), this.#imports?.close()]);
    await this.#opened?.pickup?.close();
    await this.#tls?.close();
    await this.#scheduler?.close();
    await this.#state?.transports.close();
    await this.#opened?.verifier.close();
    await Promise.all([this.#files.close(), this.#commands.close()]);
    await this.#observation.close();
    await this.#store?.close();
    await this.#observation.closeTrace();
    this.#state?.close();
    await this.#directory?.settle().finally(() => this.#directory.close());
    this.#defence?.close();
    this.#control?.close();
    if (this.#hasStarted) this.#own.info('daemon stopped');
    this.#log.close();
    this.#lock?.release();
  }

  /** What is durable can only be told by a restart: nobody hears 250 from here on. */
  #broken(error: Error): void {
    this.#own.error(`the store is broken: ${error.message}; ending`);
    this.#log.flush();
    this.#onBroken(error);
  }
}
