// The composition root: one server from one configuration folder. Opens the parts in the order in which mail
// needs them, closes them in the opposite order, and knows no mail itself.

import fs from 'node:fs';
import path from 'node:path';
import { DirectoryAuthenticator } from '../auth/directory-authenticator.ts';
import type { ServerStatus } from '../cli/server-status.ts';
import type { ControlRequest } from '../cli/control.ts';
import type { Directory } from '../directory/directory.ts';
import { ClientNames } from '../dns/client-names.ts';
import { HostsFile } from '../dns/hosts-file.ts';
import { SystemResolver } from '../dns/system-resolver.ts';
import { ImapServer } from '../imap-server/server.ts';
import { systemClock } from '../lib/clock.ts';
import { ProgramLog } from '../lib/log.ts';
import type { LogWriter } from '../lib/log-writer.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { openMailstore, type SqliteMailstore } from '../mailstore/store.ts';
import { toExternal } from '../address/form.ts';
import { maildropFolder } from '../queue/maildrop.ts';
import { Notices } from '../queue/notices.ts';
import { Pickup } from '../queue/pickup.ts';
import { Scheduler } from '../queue/scheduler.ts';
import { Queue, type RouteRecipient } from '../queue/submit.ts';
import type { Mailboxes } from '../queue/plan.ts';
import { type Configuration, loadConfiguration } from '../settings/configuration.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { TlsContexts } from '../tls/certificates.ts';
import { startControlServer } from './control-server.ts';
import { type DataLock, lockDataFolder } from './data-lock.ts';
import { FreeSpace } from './free-space.ts';
import { ListenError, needsRestart, type PlannedListener, planListeners, SmtpListener } from './listeners.ts';
import { mailboxRoom } from './mailbox-room.ts';
import { openLog } from './log-output.ts';
import { openDirectory, openTls } from './open-parts.ts';
import { dropPrivileges } from './privileges.ts';
import { RoutingState } from './routing-state.ts';

export const version = '0.1.0';

type BoundListener = Pick<PlannedListener, 'label' | 'host' | 'port'>;

/** Where things are kept: given by the configuration, made absolute. */
export function dataDirectoryOf({ settings, directory }: Configuration): string {
  return path.resolve(directory, settings.text('posthaste_data_directory'));
}

export class Server {
  readonly dataDirectory: string;
  readonly #startedAt = systemClock.monotonic();
  readonly #configDirectory: string;
  readonly #log: LogWriter;
  readonly #own: ProgramLog;
  #state!: RoutingState;
  #lock!: DataLock;
  #directory!: Directory;
  #store!: SqliteMailstore;
  #tls: TlsContexts | undefined;
  #queue!: Queue;
  #scheduler!: Scheduler;
  #imap!: ImapServer;
  #pickup: Pickup | undefined;
  #control: Awaited<ReturnType<typeof startControlServer>> | undefined;
  readonly #smtpListeners: SmtpListener[] = [];
  readonly #bound: BoundListener[] = [];
  #planned: PlannedListener[] = [];
  #stopping: Promise<void> | undefined;
  readonly #stopListeners: (() => void)[] = [];
  /** Called when the server has ended itself because the store is broken. */
  readonly #onBroken: (error: Error) => void;

  private constructor(configuration: Configuration, onBroken: (error: Error) => void) {
    this.#configDirectory = configuration.directory;
    this.dataDirectory = dataDirectoryOf(configuration);
    this.#onBroken = onBroken;
    this.#log = openLog(configuration.settings);
    this.#own = new ProgramLog(this.#log, `${configuration.settings.text('syslog_name')}/master`);
  }

  /** Resolves when everything listens. Throws where anything cannot; then nothing is left open. */
  static async start(configuration: Configuration, onBroken: (error: Error) => void): Promise<Server> {
    const server = new Server(configuration, onBroken);
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
    for (const finding of configuration.findings) {
      this.#own.warning(`${finding.file}:${finding.line}: ${finding.text}`);
    }
    this.#planned = planListeners(configuration);
    fs.mkdirSync(this.dataDirectory, { recursive: true, mode: 0o750 });
    this.#lock = lockDataFolder(this.dataDirectory);
    await this.#openStores(configuration);
    this.#tls = await openTls(settings, this.dataDirectory, this.#own);
    this.#state = await this.#openState(configuration);
    for (const finding of this.#state.transports.findings) {
      this.#own.warning(`${finding.file}:${finding.line}: ${finding.text}`);
    }
    this.#openQueue(configuration);
    await this.#listen(configuration);
    dropPrivileges(settings.text('posthaste_user'), this.dataDirectory, this.#own);
    this.#scheduler.start();
    this.#pickup = this.#openPickup(configuration);
    this.#control = await startControlServer(this.dataDirectory, (request) => this.#handle(request));
    this.#own.info(`daemon started -- version ${version}, configuration ${this.#configDirectory}`);
  }

  async #openStores({ settings }: Configuration): Promise<void> {
    this.#directory = await openDirectory(settings, this.dataDirectory);
    this.#store = await openMailstore({
      folder: this.dataDirectory,
      inlineLimit: settings.integer('posthaste_inline_limit'),
      synchronous: settings.text('posthaste_store_synchronous') === 'NORMAL' ? 'NORMAL' : 'FULL',
      log: new ProgramLog(this.#log, `${settings.text('syslog_name')}/mailstore`),
      onBroken: (error) => this.#broken(error),
    });
  }

  #openState(configuration: Configuration): Promise<RoutingState> {
    return RoutingState.open(configuration, {
      directory: this.#directory,
      quota: mailboxRoom(this.#directory, this.#store),
      log: this.#log,
      transports: {
        resolver: this.#resolver,
        mailboxes: this.#mailboxes,
        usage: this.#store,
        clock: systemClock,
        log: this.#log,
      },
    });
  }

  readonly #hosts = new HostsFile('/etc/hosts', systemClock);
  readonly #resolver = new SystemResolver();

  readonly #mailboxes: Mailboxes = {
    mailboxByAddress: async (recipient) => {
      const mailbox = this.#directory.mailboxByAddress(recipient);
      return mailbox?.enabled ? mailbox : undefined;
    },
  };

  readonly #route: RouteRecipient = async (recipient, sender) => {
    const resolution = await this.#state.router.resolve(recipient, { sender });
    if (resolution.failure) throw new TemporaryError(resolution.failure.text);
    return resolution.deliveries;
  };

  #openQueue({ settings }: Configuration): void {
    const transports = { find: (name: string) => this.#state.transports.find(name) };
    const shared = {
      store: this.#store,
      clock: systemClock,
      log: this.#log,
      syslogName: settings.text('syslog_name'),
      transports,
      mailboxes: this.#mailboxes,
    };
    const onQueued = (queueId: string) => this.#scheduler.enqueue(queueId);
    this.#queue = new Queue({
      ...shared,
      redecide: this.#route,
      revision: () => this.#state.tables.revision(),
      byOriginalRecipient: settings.flag('enable_original_recipient'),
      onQueued,
    });
    const times = {
      minimalBackoffSeconds: settings.seconds('minimal_backoff_time'),
      maximalBackoffSeconds: settings.seconds('maximal_backoff_time'),
      lifetimeSeconds: settings.seconds('maximal_queue_lifetime'),
      bounceLifetimeSeconds: settings.seconds('bounce_queue_lifetime'),
      delayWarningSeconds: settings.seconds('delay_warning_time'),
    };
    const notices = new Notices({
      ...shared,
      ...times,
      route: this.#route,
      newQueueId: () => this.#queue.newQueueId(),
      onQueued,
      hostname: settings.text('myhostname'),
      mailName: settings.text('mail_name'),
      returnSizeLimit: settings.integer('bounce_size_limit'),
    });
    this.#scheduler = new Scheduler({
      ...shared,
      ...times,
      notices,
      activeLimit: settings.integer('qmgr_message_active_limit'),
      queueRunSeconds: settings.seconds('queue_run_delay'),
      softBounce: settings.flag('soft_bounce'),
    });
  }

  #openPickup({ settings }: Configuration): Pickup {
    const pickup = new Pickup({
      folder: path.join(this.dataDirectory, maildropFolder),
      store: this.#store,
      queue: this.#queue,
      clock: systemClock,
      log: this.#log,
      syslogName: settings.text('syslog_name'),
      route: this.#route,
      standardForm: (address) => toExternal(this.#state.router.standardForm(address)),
      hostname: settings.text('myhostname'),
      mailName: settings.text('mail_name'),
      droppedHeaders: new Set(settings.list('message_drop_headers').map((header) => header.toLowerCase())),
      sizeLimit: settings.integer('message_size_limit'),
    });
    pickup.start();
    return pickup;
  }

  async #listen({ settings }: Configuration): Promise<void> {
    const authenticator = new DirectoryAuthenticator({ directory: this.#directory, clock: systemClock });
    const freeSpace = new FreeSpace(this.dataDirectory, systemClock);
    const tls = this.#tls;
    const parts = {
      queue: this.#queue,
      store: this.#store,
      authenticator,
      clientNames: new ClientNames({ resolver: this.#resolver, hosts: this.#hosts, clock: systemClock }),
      log: this.#log,
      clock: systemClock,
      freeSpace: () => freeSpace.octets(),
      isLimitException: (client: { address: string; name: string }) => this.#state.isLimitException(client),
      isMyNetwork: (address: string) => this.#state.isMyNetwork(address),
      ...(tls ? { tls } : {}),
    };
    this.#imap = new ImapServer({
      settings,
      store: this.#store,
      authenticator,
      quotaLimit: (mailbox) => this.#directory.mailboxById(mailbox)?.quotaBytes || undefined,
      ...(tls ? { tls } : {}),
      log: this.#log,
      clock: systemClock,
    });
    for (const plan of this.#planned) {
      try {
        const port = await this.#listenOn(plan, parts);
        this.#bound.push({ label: plan.label, host: plan.host, port });
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        const why =
          code === 'EADDRINUSE' ? 'another program listens there' : code === 'EACCES' ? 'only root may' : String(error);
        throw new ListenError(`cannot listen on ${plan.host}:${plan.port} (${plan.label}): ${why}`);
      }
    }
  }

  async #listenOn(plan: PlannedListener, parts: ConstructorParameters<typeof SmtpListener>[1]): Promise<number> {
    if (plan.kind === 'imap' || plan.kind === 'imaps') {
      return await this.#imap.listen(plan.host, plan.port, { implicitTls: plan.kind === 'imaps' });
    }
    const listener = new SmtpListener(plan, parts, () => this.#state);
    const { port } = await listener.listen();
    this.#smtpListeners.push(listener);
    return port;
  }

  // ---- running

  async #handle(request: ControlRequest): Promise<unknown> {
    switch (request.command) {
      case 'status':
        return this.status();
      case 'reload':
        return await this.reload();
      case 'stop':
        await this.stop();
        // The answer goes out first.
        setTimeout(() => {
          for (const listener of this.#stopListeners) listener();
        }, 50);
        return undefined;
      case 'quota-recalculate':
        return await this.#store.recalculateQuota(request.mailbox ?? 0);
      case 'queue-flush':
        await this.#scheduler.flush();
        return undefined;
      case 'queue-remove':
        return await this.#store.removeFromQueue(request.ids ?? []);
      case 'queue-hold':
      case 'queue-release':
        return await this.#setHold(request.ids ?? [], request.command === 'queue-hold');
    }
  }

  async #setHold(ids: readonly string[], hold: boolean): Promise<number> {
    let changed = 0;
    for (const id of ids) {
      if (!this.#store.queueMessage(id)) continue;
      await this.#store.queueUpdate({ id, recipients: [], hold });
      if (!hold) this.#scheduler.enqueue(id);
      changed++;
    }
    return changed;
  }

  status(): ServerStatus {
    return {
      version,
      pid: process.pid,
      uptimeSeconds: (systemClock.monotonic() - this.#startedAt) / 1000,
      configDirectory: this.#configDirectory,
      dataDirectory: this.dataDirectory,
      listeners: this.#bound.map(({ label, host, port }) => ({ name: label, address: `${host}:${port}` })),
      connections: {
        smtp: this.#smtpListeners.reduce((sum, listener) => sum + listener.sessionCount, 0),
        imap: this.#imap.sessionCount,
      },
      queue: this.#store.queueCounts(),
      residentBytes: process.memoryUsage.rss(),
    };
  }

  /** Reads configuration, tables and certificates again; returns what a reload cannot change. On a mistake all stays as it was. */
  async reload(): Promise<string[]> {
    const configuration = await loadConfiguration(this.#configDirectory);
    const mistake = configuration.findings.find((finding) => finding.severity === 'error');
    if (mistake) throw new SettingsError(`${mistake.file}:${mistake.line}: ${mistake.text}`);
    const planned = planListeners(configuration);
    const previous = this.#state;
    this.#state = await this.#openState(configuration);
    previous.close();
    this.#log.reopen();
    await this.#tls?.reload();
    for (const listener of this.#smtpListeners) {
      const plan = planned.find(
        ({ service, kind }) => service === listener.plan.service && kind === listener.plan.kind,
      );
      if (plan) listener.reload(plan.settings);
    }
    const warnings = needsRestart(this.#planned, planned);
    for (const warning of warnings) this.#own.warning(warning);
    this.#own.info(`reload -- version ${version}, configuration ${this.#configDirectory}`);
    return warnings;
  }

  /** No domain is hosted: the administrator is told what to type. */
  get isEmpty(): boolean {
    return this.#directory.lookups.isEmpty();
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
    await this.#imap?.close();
    await this.#pickup?.close();
    await this.#scheduler?.close();
    await this.#store?.close();
    this.#state?.close();
    this.#directory?.close();
    this.#control?.close();
    this.#own.info('daemon stopped');
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
