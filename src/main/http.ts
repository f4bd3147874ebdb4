// The listeners of HTTP. What serves them is loaded when somebody first connects: a host that is idle pays nothing for it.

import type { LoginGate } from '../auth/login-gate.ts';
import type { Authenticator } from '../auth/types.ts';
import type { ControlRequest } from '../cli/control.ts';
import type { WebhookSender } from '../admin/webhook-sender.ts';
import type { Directory } from '../directory/directory.ts';
import { isLoopback } from '../http-server/client-address.ts';
import { LazyListener } from '../http-server/lazy-listener.ts';
import type { HttpServer } from '../http-server/server.ts';
import { systemClock } from '../lib/clock.ts';
import { ProgramLog } from '../lib/log.ts';
import type { LogWriter } from '../lib/log-writer.ts';
import type { SqliteMailstore } from '../mailstore/store.ts';
import type { OwnMailOptions } from '../queue/own-mail.ts';
import type { Configuration } from '../settings/configuration.ts';
import type { Settings } from '../settings/settings.ts';
import type { PlannedListener } from './listeners.ts';
import type { Observation } from './observation.ts';
import type { QueueView } from './page-parts.ts';
import type { RoutingState } from './routing-state.ts';
import type { CurrentTls } from './server-tls.ts';
import { version } from './version.ts';

const webhookMilliseconds = 1000;

export interface HttpParts {
  readonly authenticator: Authenticator;
  readonly gate: LoginGate;
  readonly tls: CurrentTls;
  readonly directory: Directory;
  readonly store: Pick<SqliteMailstore, 'usage' | 'queueList' | 'queueMessage' | 'queueNumbers' | 'openContent'>;
  readonly observation: Pick<Observation, 'metrics' | 'statistics'>;
  readonly activeCount: () => number;
  readonly log: LogWriter;
  readonly state: () => RoutingState;
  /** As the control socket has them. */
  readonly answer: (request: ControlRequest) => Promise<unknown>;
  /** What the server was started with. */
  readonly started: { readonly listeners: readonly PlannedListener[]; readonly settings: Settings };
  /** Throws SettingsError where a reload could not use it. */
  readonly rehearse: (proposed: Configuration) => Promise<void>;
  /** For messages of the host's own. */
  readonly ownMail: () => OwnMailOptions | undefined;
}

export class HttpListeners {
  readonly #parts: HttpParts;
  #server: Promise<HttpServer> | undefined;
  #webhooks: WebhookSender | undefined;
  #queue: QueueView | undefined;
  readonly #listeners: LazyListener[] = [];
  #httpsPort: number | undefined;
  #httpPort: number | undefined;
  #watch: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isOver = false;

  constructor(parts: HttpParts) {
    this.#parts = parts;
  }

  /** Resolves with the port. */
  async listen({ host, port, kind, settings }: PlannedListener): Promise<number> {
    const name = settings.text('syslog_name');
    this.#watch ??= setInterval(() => void this.#openWebhooks(name), webhookMilliseconds).unref();
    const { tls, log } = this.#parts;
    const handshake = kind === 'https' ? () => tls.handshake() : undefined;
    const open = async () => {
      const server = await this.#opened(settings.integer('posthaste_http_rate_limit'), name);
      return server.serve({ host, handshake, httpsPort: () => this.#httpsPort });
    };
    const limits = {
      clientLimit: settings.integer('posthaste_http_client_connection_limit'),
      // A proxy on this host or in mynetworks speaks for many.
      isExempt: async (address: string) =>
        isLoopback(address) || (await this.#parts.state().isLimitException({ address, name: 'unknown' })),
    };
    const listener = new LazyListener(open, new ProgramLog(log, `${name}/http`), limits);
    const bound = await listener.listen(host, port);
    if (kind === 'https') this.#httpsPort ??= bound;
    else this.#httpPort ??= bound;
    this.#listeners.push(listener);
    return bound;
  }

  /** What tells webhooks is loaded when there are any. */
  async #openWebhooks(syslogName: string): Promise<void> {
    const { directory, log, state } = this.#parts;
    if (this.#isLooking || this.#webhooks !== undefined) return;
    this.#isLooking = true;
    const isAny = await directory.webhooks.due(Number.MAX_SAFE_INTEGER).then(
      (all) => all.length > 0,
      () => false,
    );
    this.#isLooking = false;
    if (!isAny || this.#isOver) return;
    clearInterval(this.#watch);
    const { WebhookSender: Sender } = await import('../admin/webhook-sender.ts');
    if (this.#isOver) return;
    this.#webhooks = new Sender({
      directory,
      clock: systemClock,
      version,
      log: new ProgramLog(log, `${syslogName}/webhook`),
      mayBePrivate: () => state().configuration.settings.flag('posthaste_webhook_private_addresses'),
    });
    const webhooks = this.#webhooks;
    log.observe((_program, _level, text) => webhooks.logged(text));
  }

  /** One for all listeners; what failed is tried again by the next who connects. */
  async #opened(requestsPerMinute: number, syslogName: string): Promise<HttpServer> {
    const opening = (this.#server ??= this.#open(requestsPerMinute, syslogName));
    try {
      return await opening;
    } catch (error) {
      if (this.#server === opening) this.#server = undefined;
      throw error;
    }
  }

  async #open(requestsPerMinute: number, syslogName: string): Promise<HttpServer> {
    const { HttpServer: Opened } = await import('../http-server/server.ts');
    const { openQueueView, openLiveEvents } = await import('./page-parts.ts');
    const { serverParts } = await import('./server-parts.ts');
    const { directory, log } = this.#parts;
    const queue = openQueueView(this.#parts, new ProgramLog(log, `${syslogName}/http`));
    this.#queue = queue;
    return await Opened.open({
      directory,
      server: serverParts(this.#parts, queue, () => this.#origin()),
      live: openLiveEvents(this.#parts, new ProgramLog(log, `${syslogName}/http`)),
      clock: systemClock,
      version,
      log: new ProgramLog(log, `${syslogName}/http`),
      requestsPerMinute,
    });
  }

  /** For links in letters: never by the name that a request gives. */
  #origin(): string {
    const { settings } = this.#parts.state().configuration;
    const url = settings.text('posthaste_page_url').replace(/\/+$/, '');
    if (url !== '') return url;
    if (this.#httpsPort === undefined) return `http://localhost:${this.#httpPort}`;
    const port = this.#httpsPort === 443 ? '' : `:${this.#httpsPort}`;
    return `https://${settings.text('myhostname')}${port}`;
  }

  async close(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#watch);
    for (const listener of this.#listeners) listener.close();
    await this.#webhooks?.close();
    await (await this.#server)?.close();
    await this.#queue?.close();
  }
}
