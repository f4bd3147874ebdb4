// The IMAP server: listeners, limits, TLS, and the sessions. What a connection says and does is session.ts's.

import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Authenticator } from '../auth/types.ts';
import type { Clock } from '../lib/clock.ts';
import { ProgramLog, type Log } from '../lib/log.ts';
import { type ProxyEndpoints, readProxyHeader } from '../lib/proxy-header.ts';
import type { Mailstore } from '../mailstore/types.ts';
import type { ServerHandshake } from '../tls/server-tls.ts';
import { ConnectionLimits } from './connection-limits.ts';
import { StructureCache } from './fetch/structure-cache.ts';
import { FolderViews } from './folder-views.ts';
import { LoginLog } from './login-log.ts';
import { readImapOptions, type ImapOptions, type SettingsSource } from './options.ts';
import { Session } from './session.ts';
import type { LoginMechanisms, ServerContext } from './session-context.ts';

export interface ImapServerParts {
  readonly settings: SettingsSource;
  readonly store: Mailstore;
  readonly authenticator: Authenticator;
  readonly sasl: LoginMechanisms;
  /** Octets that a mailbox may hold; undefined for no limit. */
  readonly quotaLimit: (mailbox: number) => number | undefined | Promise<number | undefined>;
  /** Why nobody may look into this mailbox for now; ''. */
  readonly maintenance?: (mailbox: number) => string;
  /** Absent where there is no certificate: then no STARTTLS and no implicit TLS. */
  readonly tls?: { handshake(): ServerHandshake };
  readonly log: Log;
  readonly clock: Clock;
  /** For tests: wins over the settings. */
  readonly options?: Partial<ImapOptions>;
}

const sweepMilliseconds = 1000;
const handshakeMilliseconds = 30_000;
const stopMilliseconds = 2000;

export class ImapServer {
  readonly #parts: ImapServerParts;
  readonly #log: ProgramLog;
  readonly #context: ServerContext;
  readonly #limits: ConnectionLimits;
  readonly #listeners = new Set<Server>();
  readonly #sessions = new Map<Session, Promise<void>>();
  readonly #handshakes = new Set<Socket>();
  readonly #sweep: NodeJS.Timeout;
  #isClosing = false;

  constructor(parts: ImapServerParts) {
    this.#parts = parts;
    this.#log = new ProgramLog(parts.log, 'dovecot');
    const options = { ...readImapOptions(parts.settings), ...parts.options };
    this.#limits = new ConnectionLimits(options);
    this.#context = {
      store: parts.store,
      authenticator: parts.authenticator,
      sasl: parts.sasl,
      quotaLimit: parts.quotaLimit,
      maintenance: parts.maintenance,
      views: new FolderViews(parts.store, parts.clock),
      structures: new StructureCache(parts.clock),
      options,
      clock: parts.clock,
    };
    this.#sweep = setInterval(() => {
      for (const session of this.#sessions.keys()) session.checkTime();
    }, sweepMilliseconds);
    this.#sweep.unref();
  }

  /** Listens; resolves with the port, which is chosen by the system for 0. */
  listen(address: string, port: number, { implicitTls = false }: { implicitTls?: boolean } = {}): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => this.#take(socket, implicitTls));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, ipv6Only: address === '::' }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#log.error(`imap: ${error.message}`));
        this.#listeners.add(server);
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  /** Connections that are open now. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Says BYE to every client and waits for their commands to end, for a moment. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#sweep);
    for (const server of this.#listeners) server.close();
    for (const socket of this.#handshakes) socket.destroy();
    for (const session of this.#sessions.keys()) session.end('Server shutting down.', 'Server shutting down');
    const ended = Promise.all(this.#sessions.values());
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, stopMilliseconds).unref())]);
    this.#context.views.close();
  }

  #take(socket: Socket, implicitTls: boolean): void {
    const { proxyTimeoutMilliseconds } = this.#context.options;
    if (proxyTimeoutMilliseconds === 0) {
      this.#connect(socket, implicitTls);
      return;
    }
    this.#handshakes.add(socket);
    readProxyHeader(socket, proxyTimeoutMilliseconds)
      .then(
        (endpoints) => this.#connect(socket, implicitTls, endpoints),
        (error: Error) => {
          this.#log.warning(`imap-login: haproxy: ${error.message}: rip=${plainAddress(socket.remoteAddress)}`);
          socket.destroy();
        },
      )
      .finally(() => this.#handshakes.delete(socket));
  }

  #connect(socket: Socket, implicitTls: boolean, endpoints?: ProxyEndpoints): void {
    const remoteAddress = plainAddress(endpoints?.remoteAddress ?? socket.remoteAddress);
    const localAddress = plainAddress(endpoints?.localAddress ?? socket.localAddress);
    const isCounted = !this.#isClosing && this.#limits.connected(remoteAddress);
    if (!isCounted || (implicitTls && this.#parts.tls === undefined)) {
      if (isCounted) this.#limits.disconnected(remoteAddress);
      else
        this.#log.info(
          `imap-login: Info: Disconnected: Too many connections: rip=${remoteAddress}, lip=${localAddress}`,
        );
      socket.on('error', () => {});
      socket.end(implicitTls ? '' : '* BYE Too many connections.\r\n', () => socket.destroy());
      return;
    }
    const log = new LoginLog(this.#log, { remoteAddress, localAddress, sessionId: randomBytes(9).toString('base64') });
    const forget = (): void => this.#limits.disconnected(remoteAddress);
    if (!implicitTls) {
      const upgrade = this.#parts.tls === undefined ? undefined : (plain: Socket) => this.#secure(plain);
      this.#run(
        new Session(this.#context, { socket, log, remoteAddress, localAddress, isTls: false, upgrade }, this.#limits),
        forget,
      );
      return;
    }
    this.#secure(socket).then(
      (secure) =>
        this.#run(
          new Session(
            this.#context,
            { socket: secure, log, remoteAddress, localAddress, isTls: true, upgrade: undefined },
            this.#limits,
          ),
          forget,
        ),
      (error: unknown) => {
        log.handshakeFailed(error instanceof Error ? error.message : String(error));
        forget();
      },
    );
  }

  #run(session: Session, forget: () => void): void {
    const running = session.run().finally(() => {
      this.#sessions.delete(session);
      forget();
    });
    this.#sessions.set(session, running);
    if (this.#isClosing) session.end('Server shutting down.', 'Server shutting down');
  }

  /** The server's side of a TLS handshake on `plain`. */
  #secure(plain: Socket): Promise<Socket> {
    const { tls } = this.#parts;
    if (tls === undefined) return Promise.reject(new Error('no certificate'));
    const secure = new TLSSocket(plain, tls.handshake().socketOptions);
    this.#handshakes.add(secure);
    return new Promise<Socket>((resolve, reject) => {
      const timer = setTimeout(() => fail(new Error('handshake timed out')), handshakeMilliseconds);
      const fail = (error: Error): void => {
        settle();
        secure.destroy();
        plain.destroy();
        reject(error);
      };
      const onClose = (): void => fail(new Error('connection closed during the handshake'));
      const settle = (): void => {
        clearTimeout(timer);
        this.#handshakes.delete(secure);
        secure.off('close', onClose);
      };
      // Errors after the handshake are the session's; a handler must stay until it has its own.
      secure.on('error', fail);
      plain.on('error', () => {});
      secure.on('close', onClose);
      secure.once('secure', () => {
        settle();
        resolve(secure);
        setImmediate(() => secure.off('error', fail));
      });
    });
  }
}

/** IPv4 clients of an IPv6 listener are IPv4 clients. */
function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, '');
}
