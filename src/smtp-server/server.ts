// One service's listener: takes connections, keeps to the limits per client, gives each its session, ends those
// that are too slow, and closes gently. The composition root makes one for each inet smtpd service of master.cf
// and one for LMTP, each with the service's own settings and policy.

import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientLimits } from './client-limits.ts';
import { type ProxyEndpoints, readProxyHeader } from '../lib/proxy-header.ts';
import { ProgramLog } from '../lib/log.ts';
import { hostReplies } from '../smtp/reply.ts';
import type { ServiceOptions } from './options.ts';
import type { SessionClient, SessionParts, SharedParts } from './parts.ts';
import { plainAddress } from './plain-address.ts';
import type { SmtpPolicy } from './policy.ts';
import { RefusedClients } from './refused-clients.ts';
import type { ConnectionScreen } from './screen/connection-screen.ts';
import { Session } from './session.ts';
import { beginTls, exceedsTlsRate } from './tls-handshake.ts';
import { Transcript } from './transcript.ts';
import { Wire } from './wire.ts';

export interface SmtpServerOptions extends SharedParts {
  readonly policy: SmtpPolicy;
  readonly service: ServiceOptions;
  /** The service's name in master.cf, for the log. */
  readonly serviceName: string;
  /** Looks at clients before they are greeted (postscreen in master.cf). */
  readonly screen?: ConnectionScreen | undefined;
}

export interface ListenAddress {
  readonly host?: string;
  readonly port?: number;
  /** A unix-domain socket, for LMTP. */
  readonly path?: string;
}

/** How long running commands may take to end when the server closes; then connections are cut. */
const closeMilliseconds = 10_000;
/**
 * Connections that the system keeps until they are taken (Linux: net.core.somaxconn at most). Of more than that it forgets
 * some that their clients believe open, and these wait in vain for a greeting: a flood must not fill it easily.
 */
const backlog = 4096;

export class SmtpServer {
  readonly #parts: SessionParts;
  readonly #sessions = new Set<Session>();
  /** Of whom no load balancer has told yet. */
  readonly #strangers = new Set<Socket>();
  readonly #server: Server;
  readonly #screen: ConnectionScreen | undefined;
  readonly #refused: RefusedClients;
  #options: ServiceOptions;
  #ticker: NodeJS.Timeout | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(options: SmtpServerOptions) {
    const { service, serviceName, screen, ...parts } = options;
    this.#screen = screen;
    this.#refused = new RefusedClients(parts.clock);
    this.#options = service;
    this.#parts = {
      ...parts,
      serviceName,
      limits: new ClientLimits(parts.clock, service.rateUnit),
      sleep: (milliseconds) => sleep(milliseconds),
    };
    // Nobody is read before it is known who will: the wire, the screen, or nobody.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      if (screen === undefined) this.#take(socket);
      else screen.examine(socket, () => this.#accept(socket));
    });
  }

  get sessionCount(): number {
    return this.#sessions.size + (this.#screen?.size ?? 0);
  }

  /** Sessions that begin from now on keep to `service`. */
  reload(service: ServiceOptions): void {
    this.#options = service;
  }

  /** Resolves with the address that it listens on. */
  listen(address: ListenAddress): Promise<{ host: string; port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      // Beside 0.0.0.0, which inet_interfaces = all is too; IPv4 clients would come as ::ffff:192.0.2.1 otherwise.
      this.#server.listen({ ...address, backlog, ipv6Only: address.host === '::' }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => this.#parts.log.write(this.#options.program, 'error', error.message));
        this.#startTicker();
        const bound = this.#server.address();
        resolve(
          typeof bound === 'object' && bound !== null
            ? { host: bound.address, port: bound.port }
            : { host: '', port: 0 },
        );
      });
    });
  }

  #startTicker(): void {
    const shortest = Math.min(this.#options.timeout, this.#options.tlsTimeout);
    this.#ticker = setInterval(() => this.endSlowSessions(), Math.max(20, Math.min(1000, shortest / 4)));
    this.#ticker.unref();
  }

  /** Ends every session whose client has kept us waiting too long. */
  endSlowSessions(): void {
    const now = this.#parts.clock.monotonic();
    for (const session of this.#sessions) if (session.deadline.hasPassed(now)) session.timedOut();
  }

  /** Takes no more connections; idle sessions hear 421, running messages are finished first. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#strangers) socket.destroy();
    this.#screen?.close();
    this.#refused.close();
    for (const session of this.#sessions) session.shutDown();
    if (this.#sessions.size > 0) {
      const empty = new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
      const cut = setTimeout(() => {
        for (const session of this.#sessions) session.lost();
      }, closeMilliseconds);
      await empty;
      clearTimeout(cut);
    }
    clearInterval(this.#ticker);
    await closed;
  }

  #take(socket: Socket): void {
    const { isBehindProxy, proxyTimeout, program } = this.#options;
    if (!isBehindProxy) {
      this.#accept(socket);
      return;
    }
    this.#strangers.add(socket);
    readProxyHeader(socket, proxyTimeout)
      .then(
        (endpoints) => this.#accept(socket, endpoints),
        (error: Error) => {
          const peer = plainAddress(socket.remoteAddress);
          this.#parts.log.write(program, 'warning', `haproxy read: ${error.message} from [${peer}]`);
          socket.destroy();
        },
      )
      .finally(() => this.#strangers.delete(socket));
  }

  /** `endpoints` where a load balancer has told who its client is. */
  #accept(socket: Socket, endpoints?: ProxyEndpoints): void {
    const address = plainAddress(endpoints?.remoteAddress ?? socket.remoteAddress);
    const options = this.#options;
    const log = new ProgramLog(this.#parts.log, options.program);
    // Once the screen or the header's reader has begun to read, up to 64 KB would wait with each that is held.
    const isRead = this.#screen !== undefined || options.isBehindProxy;
    if (this.#refused.turnsAway(socket, address, isRead ? 0 : options.errorSleep, log)) return;
    const counts = this.#parts.limits.connected(address);
    const client: SessionClient = {
      address,
      name: 'unknown',
      nameStatus: 'unsure',
      reverseName: 'unknown',
      reverseNameStatus: 'unsure',
      port: endpoints?.remotePort ?? socket.remotePort,
      serverAddress: plainAddress(endpoints?.localAddress ?? socket.localAddress),
      serverPort: endpoints?.localPort ?? socket.localPort,
    };
    const wire = new Wire(socket, {
      onInput: () => session.run(),
      onLost: () => session.lost(),
      onDiscarded: (octets) => this.#parts.bytes?.passed(octets),
    });
    wire.proxied = endpoints;
    if (this.#parts.reports?.isWanted) wire.transcript = new Transcript();
    const session: Session = new Session(this.#parts, options, client, wire, () => {
      this.#sessions.delete(session);
      session.filters?.close();
      this.#report(session);
      this.#parts.limits.disconnected(address);
      if (this.#sessions.size === 0) this.#whenEmpty?.();
    });
    this.#sessions.add(session);
    this.#begin(session, counts).catch((error: unknown) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#parts.log.write(options.program, 'panic', `CONNECT from ${session.clientText}: ${text}`);
      session.lost();
    });
  }

  #report({ wire: { transcript }, clientText: client }: Session): void {
    if (transcript === undefined || transcript.troubles.size === 0) return;
    this.#parts.reports?.report({ client, troubles: transcript.troubles, lines: transcript.lines });
  }

  async #begin(session: Session, counts: { open: number; rate: number }): Promise<void> {
    const { address } = session.client;
    const options = session.options;
    if (options.tlsWrapperMode) {
      // The client speaks first: nothing may read the socket before TLS does.
      const { tls } = this.#parts;
      if (tls === undefined) {
        session.log.warning(
          `Wrapper-mode request dropped from ${session.clientText} for service ${this.#parts.serviceName}`,
        );
        session.lost();
        return;
      }
      if (!(await beginTls(session, tls))) return;
    }
    if (options.nameLookup) {
      const { clientNames, clock, metrics } = this.#parts;
      const began = clock.monotonic();
      Object.assign(session.client, await clientNames.lookup(address));
      metrics?.observe('lookup', clock.monotonic() - began);
    } else Object.assign(session.client, { nameStatus: 'none', reverseNameStatus: 'none' });
    session.isLimitException = (await this.#parts.isLimitException?.(session.client)) ?? false;
    if (session.isOver) return;
    session.log.info(`connect from ${session.clientText}`);
    if (!session.isLimitException && this.#exceedsLimits(session, counts)) {
      session.wire.pause();
      await this.#refused.wait(address, options.errorSleep);
      session.sayLast(hostReplies.tooManyConnections(options.hostname, session.client.address));
      return;
    }
    if (options.tlsWrapperMode && exceedsTlsRate(session)) return;
    await session.start();
  }

  #exceedsLimits(session: Session, counts: { open: number; rate: number }): boolean {
    const { connectionCountLimit, connectionRateLimit } = session.options;
    const warn = (kind: string, count: number) =>
      session.log.warning(
        `Connection ${kind} limit exceeded: ${count} from ${session.clientText} for service ${this.#parts.serviceName}`,
      );
    if (connectionCountLimit > 0 && counts.open > connectionCountLimit) {
      warn('concurrency', counts.open);
      return true;
    }
    if (connectionRateLimit > 0 && counts.rate > connectionRateLimit) {
      warn('rate', counts.rate);
      return true;
    }
    return false;
  }
}
