// A listening SmtpServer with the stand-ins of memory-mail.ts, and a raw client to talk to it.

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { openRouting, type Routing } from '../../src/access/open-routing.ts';
import { DovecotAuth } from '../../src/auth/dovecot-auth.ts';
import { usualFailureDelay } from '../../src/auth/failure-delay.ts';
import { GatedSasl } from '../../src/auth/gated-sasl.ts';
import { DelayGate } from '../../src/auth/login-gate.ts';
import type { SaslServer } from '../../src/auth/sasl-server.ts';
import type { ClientName } from '../../src/dns/client-names.ts';
import { SystemResolver } from '../../src/dns/system-resolver.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { MemoryLog } from '../../src/lib/log.ts';
import { Settings } from '../../src/settings/settings.ts';
import { readServiceOptions, type ServiceOptions } from '../../src/smtp-server/options.ts';
import { SmtpServer } from '../../src/smtp-server/server.ts';
import { startDnsServer } from '../harness/dns-server.ts';
import { MemoryPolicy, MemoryQueue, MemoryStore, oneLoginSasl } from './memory-mail.ts';
import { openServerTls } from '../harness/server-tls.ts';

export interface TestServer {
  readonly server: SmtpServer;
  readonly port: number;
  readonly queue: MemoryQueue;
  readonly store: MemoryStore;
  readonly log: MemoryLog;
  freeSpace: number;
  close(): Promise<void>;
}

const defaults = {
  myhostname: 'mx.example.com',
  compatibility_level: '3.6',
  smtpd_error_sleep_time: '0',
  smtpd_sasl_auth_enable: 'yes',
  smtpd_tls_security_level: 'may',
  local_header_rewrite_clients: 'permit_sasl_authenticated',
};

export interface TestServerOptions {
  readonly settings?: Record<string, string>;
  /** Beats what the settings say, as times below a second. */
  readonly overrides?: Partial<ServiceOptions>;
  readonly protocol?: 'smtp' | 'lmtp';
  readonly clientName?: string;
  readonly withoutTls?: true;
  /** The restrictions and tables of the settings in place of MemoryPolicy. */
  readonly isRealPolicy?: true;
  /** In place of one login with PLAIN and LOGIN. */
  readonly sasl?: SaslServer;
  /** What the DNS of a real policy says, a record a line. */
  readonly zone?: readonly string[];
}

/** Where the real policy begins: one domain whose addresses all exist, nobody trusted. */
export const realDefaults = {
  smtpd_sasl_auth_enable: 'no',
  smtpd_tls_security_level: 'none',
  local_header_rewrite_clients: '',
  mynetworks: '127.0.0.9',
  mydestination: '',
  smtpd_relay_restrictions: 'reject_unauth_destination',
  virtual_mailbox_domains: 'example.com',
  virtual_mailbox_maps: '',
  virtual_transport: 'mailstore',
};

/** Connections of one process to one Dovecot have a number each. */
let nextDovecot = 0;

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const settings = Settings.defaults({
    ...defaults,
    ...(options.isRealPolicy ? realDefaults : {}),
    ...options.settings,
  });
  const queue = new MemoryQueue();
  const store = new MemoryStore();
  const log = new MemoryLog();
  const state = { freeSpace: Number.POSITIVE_INFINITY };
  const dns = options.isRealPolicy ? await startDnsServer((options.zone ?? []).join('\n')) : undefined;
  const routing = dns && openPolicy(settings, log, dns.port);
  const gate = new DelayGate(systemClock, { ...usualFailureDelay, firstMilliseconds: 0 });
  let dovecot: DovecotAuth | undefined;
  const server = new SmtpServer({
    queue,
    store,
    log,
    policy: routing?.policy(settings) ?? new MemoryPolicy(),
    sasl: options.sasl ?? oneLoginSasl(),
    dovecotAuth: (path) => new GatedSasl(gate, (dovecot ??= new DovecotAuth(path, nextDovecot++))),
    clientNames: { lookup: async () => named(options.clientName ?? 'client.example.org') },
    clock: systemClock,
    freeSpace: () => state.freeSpace,
    flushSite: () => true,
    ...(options.withoutTls ? {} : { tls: await openServerTls(options.settings) }),
    service: { ...readServiceOptions(settings, options.protocol ?? 'smtp'), ...options.overrides },
    serviceName: 'smtp',
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    server,
    port,
    queue,
    store,
    log,
    close: async () => {
      await server.close();
      dovecot?.close();
      routing?.close();
      dns?.close();
    },
    get freeSpace() {
      return state.freeSpace;
    },
    set freeSpace(value: number) {
      state.freeSpace = value;
    },
  };
}

function openPolicy(settings: Settings, log: MemoryLog, dnsPort: number): Routing {
  const resolver = new SystemResolver({ servers: [`127.0.0.1:${dnsPort}`], timeout: 500, tries: 1 });
  return openRouting({ settings, log, isWatching: false, resolver });
}

function named(name: string): ClientName {
  return { name, nameStatus: 'found', reverseName: name, reverseNameStatus: 'found' };
}

/** Octets in, octets out; waits for what it expects. */
export class RawClient {
  #socket: Socket;
  #received = '';
  #isClosed = false;
  #waiter: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawClient(socket));
      });
    });
  }

  #listen(socket: Socket): void {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#waiter?.();
    });
    const closed = () => {
      if (socket !== this.#socket) return;
      this.#isClosed = true;
      this.#waiter?.();
    };
    socket.on('close', closed);
    socket.on('end', closed);
    socket.on('error', closed);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** What has come and was not taken. */
  get received(): string {
    return this.#received;
  }

  send(data: string | Buffer): void {
    this.#socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** Closes our side and still reads. */
  finish(): void {
    this.#socket.end();
  }

  /** Reads no more. */
  pause(): void {
    this.#socket.pause();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The next line without CR LF, or undefined when the server has closed. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#received.indexOf('\r\n');
      if (end !== -1) {
        const line = this.#received.slice(0, end);
        this.#received = this.#received.slice(end + 2);
        return line;
      }
      if (this.#isClosed) return undefined;
      await this.#more();
    }
  }

  /** A whole reply, its lines joined with `|`. */
  async reply(): Promise<string | undefined> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line === undefined) return lines.length === 0 ? undefined : lines.join('|');
      lines.push(line);
      if (!/^\d{3}-/.test(line)) return lines.join('|');
    }
  }

  async command(text: string): Promise<string | undefined> {
    this.send(`${text}\r\n`);
    return this.reply();
  }

  async closed(): Promise<void> {
    while (!this.#isClosed) await this.#more();
  }

  /** Changes to TLS without checking the certificate. */
  startTls(): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    return new Promise((resolve, reject) => {
      const secure = connectTls({ socket: plain, rejectUnauthorized: false }, () => {
        secure.off('error', reject);
        this.#socket = secure;
        this.#listen(secure);
        resolve();
      });
      secure.once('error', reject);
    });
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }
}
