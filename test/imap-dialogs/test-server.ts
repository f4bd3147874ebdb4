// The IMAP server over a real store, for tests, and a client that reads lines.

import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { BuiltInSasl } from '../../src/auth/built-in-sasl.ts';
import { usualFailureDelay } from '../../src/auth/failure-delay.ts';
import { DelayGate } from '../../src/auth/login-gate.ts';
import type { Authenticator } from '../../src/auth/types.ts';
import { defaultImapOptions, type ImapOptions } from '../../src/imap-server/options.ts';
import { ImapServer } from '../../src/imap-server/server.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { MemoryLog, ProgramLog } from '../../src/lib/log.ts';
import { openMailstore, type SqliteMailstore } from '../../src/mailstore/store.ts';
import { Settings } from '../../src/settings/settings.ts';
import type { ServerTls } from '../../src/tls/server-tls.ts';
import { openServerTls } from '../harness/server-tls.ts';

/** A store and a certificate that several servers of one test file share. */
export class TestHost {
  readonly folder: string;
  readonly store: SqliteMailstore;
  readonly tls: ServerTls;
  #nextMailbox = 1;

  private constructor(folder: string, store: SqliteMailstore, tls: ServerTls) {
    this.folder = folder;
    this.store = store;
    this.tls = tls;
  }

  static async open(): Promise<TestHost> {
    const folder = await mkdtemp(join(tmpdir(), 'imap-'));
    const store = await openMailstore({
      folder,
      inlineLimit: 32 * 1024,
      log: new ProgramLog(new MemoryLog(), 'postfix/mailstore'),
      onBroken: (error) => {
        throw error;
      },
    });
    return new TestHost(folder, store, await openServerTls());
  }

  /** A server whose users are new: any name with the password `secret`. */
  async serve(options: Partial<ImapOptions> = {}, quota?: number): Promise<TestServer> {
    return TestServer.start(this, { ...defaultImapOptions, ...options }, quota);
  }

  newMailbox(): number {
    return this.#nextMailbox++;
  }

  async close(): Promise<void> {
    await this.store.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export class TestServer {
  readonly host: TestHost;
  readonly log = new MemoryLog();
  readonly #mailboxes = new Map<string, number>();
  readonly #server: ImapServer;
  port = 0;
  tlsPort = 0;

  private constructor(host: TestHost, options: ImapOptions, quota: number | undefined) {
    this.host = host;
    const authenticator: Authenticator = {
      authenticate: async ({ login, password }) =>
        password === 'secret'
          ? { kind: 'authenticated', mailboxId: this.mailbox(login), login }
          : { kind: 'denied', reason: 'password mismatch' },
    };
    const gate = new DelayGate(systemClock, usualFailureDelay);
    this.#server = new ImapServer({
      settings: Settings.defaults(),
      store: host.store,
      tls: host.tls,
      log: this.log,
      clock: systemClock,
      quotaLimit: () => quota,
      options,
      authenticator,
      sasl: new BuiltInSasl({ authenticator, gate, hostname: 'localhost' }, ['PLAIN', 'LOGIN']),
    });
  }

  static async start(host: TestHost, options: ImapOptions, quota: number | undefined): Promise<TestServer> {
    const server = new TestServer(host, options, quota);
    server.port = await server.#server.listen('127.0.0.1', 0);
    server.tlsPort = await server.#server.listen('127.0.0.1', 0, { implicitTls: true });
    return server;
  }

  mailbox(login: string): number {
    const mailbox = this.#mailboxes.get(login) ?? this.host.newMailbox();
    this.#mailboxes.set(login, mailbox);
    return mailbox;
  }

  /** A message arrives by SMTP: durable when this resolves. */
  async deliver(login: string, text: string): Promise<void> {
    const writer = this.host.store.contentWriter();
    await writer.write(Buffer.from(text, 'latin1'));
    await this.host.store.accept({
      content: await writer.finish(),
      deliveries: [
        { mailbox: this.mailbox(login), prefix: new Uint8Array(0), internalDate: Date.UTC(2026, 0, 2, 3, 4, 5) },
      ],
    });
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

/** Lines in, lines out; text has a character an octet. */
export class LineClient {
  #socket: Socket;
  #text = '';
  #isClosed = false;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#attach(socket);
  }

  static async open(port: number): Promise<LineClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new LineClient(socket);
  }

  async startTls(): Promise<void> {
    this.#socket.removeAllListeners('data');
    const secure = connectTls({ socket: this.#socket, rejectUnauthorized: false });
    await new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
    this.#socket = secure;
    this.#attach(secure);
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** The next line without its line end; undefined where the server closed the connection. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\r\n');
      if (end !== -1) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return line;
      }
      if (this.#isClosed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Lines up to the one that begins with `tag`, that one included. */
  async linesTo(tag: string): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line === undefined) throw new Error(`connection closed after:\n${lines.join('\n')}`);
      lines.push(line);
      if (line.startsWith(`${tag} `)) return lines;
    }
  }

  /** Sends a command and gives all lines of the answer. */
  command(tag: string, text: string): Promise<string[]> {
    this.send(`${tag} ${text}\r\n`);
    return this.linesTo(tag);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #attach(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake?.();
    });
  }
}
