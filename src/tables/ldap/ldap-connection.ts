// One connection to an LDAP server: opened, secured, bound, then asked any number of searches at once. Every step has
// the table's time limit. A search that gets no answer in time ends the connection, as in Postfix: a server that has
// stopped answering one may have stopped altogether.

import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import {
  decodeReply,
  encodeBind,
  encodeSearch,
  encodeStartTls,
  type LdapEntry,
  LdapProtocolError,
  type LdapReply,
  type LdapSearch,
  messageLength,
  resultCodes,
  type SearchLimits,
} from './ldap-messages.ts';
import type { LdapAddress } from './ldap-url.ts';

export interface LdapConnectionOptions {
  readonly timeoutMilliseconds: number;
  readonly startTls: boolean;
  /** Certificates and the like, for ldaps: and STARTTLS. */
  readonly tls: ConnectionOptions;
  /** Undefined: not bound at all. */
  readonly bind: { readonly dn: string; readonly password: string } | undefined;
}

export interface SearchAnswer {
  readonly entries: readonly LdapEntry[];
  /** Where the rest of the answer is: each a choice of URLs. */
  readonly references: readonly (readonly string[])[];
}

/** The server's own answer, other than success. */
export class LdapResultError extends Error {
  override name = 'LdapResultError';
  readonly code: number;
  readonly referrals: readonly string[];

  constructor(code: number, message: string, referrals: readonly string[]) {
    super(`LDAP result ${code}${message === '' ? '' : `: ${message.slice(0, 200)}`}`);
    this.code = code;
    this.referrals = referrals;
  }
}

/** The connection has ended without an answer. */
export class LdapConnectionError extends Error {
  override name = 'LdapConnectionError';
}

/** This question got no answer in time: asking it again would take as long. */
export class LdapTimeoutError extends LdapConnectionError {
  override name = 'LdapTimeoutError';
}

// What one search may bring: an answer is joined into one line of a mail system.
const maxAnswerBytes = 64 << 20;

// slapd(8) ends an anonymous session with more than 100 requests in its queue (conn_max_pending).
const maxOutstanding = 16;
const maxWaiting = 2000;

interface Pending {
  readonly entries: LdapEntry[];
  readonly references: (readonly string[])[];
  bytes: number;
  readonly resolve: (reply: Extract<LdapReply, { readonly kind: 'result' }>) => void;
  readonly reject: (error: Error) => void;
}

/** Connects, secures and binds. Throws LdapConnectionError, LdapResultError. */
export async function openLdapConnection(
  address: LdapAddress,
  options: LdapConnectionOptions,
): Promise<LdapConnection> {
  const socket = await connectSocket(address, options);
  const connection = new LdapConnection(socket, options.timeoutMilliseconds);
  try {
    if (options.startTls) await connection.startTls(tlsOptions(address, options.tls));
    if (options.bind !== undefined) await connection.bind(options.bind.dn, options.bind.password);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

export class LdapConnection {
  #socket: Socket;
  readonly #timeoutMilliseconds: number;
  readonly #pending = new Map<number, Pending>();
  readonly #waiting: (() => void)[] = [];
  #outstanding = 0;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #lastId = 0;
  #failure: Error | undefined;

  constructor(socket: Socket, timeoutMilliseconds: number) {
    this.#socket = socket;
    this.#timeoutMilliseconds = timeoutMilliseconds;
    this.#listen(socket);
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** Throws LdapResultError, LdapConnectionError. */
  async search(search: LdapSearch, limits: SearchLimits): Promise<SearchAnswer> {
    await this.#turn();
    try {
      const { pending } = await this.#ask((id) => encodeSearch(id, search, limits));
      return pending;
    } finally {
      // The next in line takes this one's place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#outstanding--;
      else next();
    }
  }

  async bind(dn: string, password: string): Promise<void> {
    await this.#ask((id) => encodeBind(id, dn, password));
  }

  async startTls(options: ConnectionOptions): Promise<void> {
    await this.#ask(encodeStartTls);
    const plain = this.#socket;
    // What came in the clear behind the reply is nobody's (RFC 4511 §4.14.1).
    if (this.#receivedBytes > 0) throw new LdapConnectionError('the server talks before TLS is there');
    plain.removeAllListeners('data');
    const secure = connectTls({ ...options, socket: plain });
    await ready(secure, 'secureConnect', this.#timeoutMilliseconds);
    this.#socket = secure;
    this.#listen(secure);
  }

  close(): void {
    this.#fail(new LdapConnectionError('the connection is closed'));
  }

  #listen(socket: Socket): void {
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', (error) => this.#fail(new LdapConnectionError(error.message)));
    socket.on('close', () => {
      if (socket === this.#socket) this.#fail(new LdapConnectionError('the server has closed the connection'));
    });
  }

  /** Who waits behind a search that gets no answer hears of the end of the connection. */
  async #turn(): Promise<void> {
    if (this.#outstanding >= maxOutstanding) {
      if (this.#waiting.length >= maxWaiting) throw new LdapConnectionError(`${maxWaiting} searches wait already`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#outstanding++;
  }

  async #ask(encode: (id: number) => Buffer): Promise<{ readonly pending: Pending }> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#lastId = (this.#lastId % 0x7fff_fffe) + 1;
    const id = this.#lastId;
    const request = encode(id);
    let timer: NodeJS.Timeout | undefined;
    try {
      let kept: Pending | undefined;
      const result = await new Promise<Extract<LdapReply, { readonly kind: 'result' }>>((resolve, reject) => {
        kept = { entries: [], references: [], bytes: 0, resolve, reject };
        this.#pending.set(id, kept);
        timer = setTimeout(() => {
          reject(new LdapTimeoutError(this.#silence()));
          this.#fail(new LdapConnectionError('the server does not answer'));
        }, this.#timeoutMilliseconds);
        // Only a question that waits keeps a command from ending.
        if (!this.#socket.destroyed) this.#socket.ref();
        this.#socket.write(request);
      });
      if (result.code !== resultCodes.success) throw new LdapResultError(result.code, result.message, result.referrals);
      return { pending: kept as Pending };
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
      if (this.#pending.size === 0 && !this.#socket.destroyed) this.#socket.unref();
    }
  }

  #silence(): string {
    return `no answer within ${this.#timeoutMilliseconds / 1000} s`;
  }

  #receive(bytes: Buffer): void {
    this.#received.push(bytes);
    this.#receivedBytes += bytes.length;
    try {
      for (;;) {
        const head = this.#received[0];
        if (head === undefined) return;
        const length = messageLength(head.length < 6 ? Buffer.concat(this.#received) : head);
        if (length === undefined) return;
        if (length > maxAnswerBytes) throw new LdapProtocolError('a message is too long');
        if (this.#receivedBytes < length) return;
        const all = this.#received.length === 1 ? head : Buffer.concat(this.#received);
        this.#received = all.length > length ? [all.subarray(length)] : [];
        this.#receivedBytes = all.length - length;
        this.#dispatch(decodeReply(all.subarray(0, length)), length);
      }
    } catch (error) {
      this.#fail(new LdapConnectionError((error as Error).message));
    }
  }

  #dispatch(reply: LdapReply, length: number): void {
    const pending = this.#pending.get(reply.id);
    // Nobody asked: the server's notice of disconnection (RFC 4511 §4.4.1), after which it hangs up.
    if (pending === undefined) return;
    pending.bytes += length;
    if (pending.bytes > maxAnswerBytes) throw new LdapProtocolError('an answer is too long');
    if (reply.kind === 'entry') pending.entries.push(reply.entry);
    else if (reply.kind === 'reference') pending.references.push(reply.urls);
    else if (reply.kind === 'result') pending.resolve(reply);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.destroy();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

async function connectSocket(address: LdapAddress, options: LdapConnectionOptions): Promise<Socket> {
  const { timeoutMilliseconds, tls } = options;
  const socket = address.isSecure
    ? connectTls({ ...tlsOptions(address, tls), ...address.at })
    : connectPlain({ ...address.at });
  await ready(socket, address.isSecure ? 'secureConnect' : 'connect', timeoutMilliseconds);
  return socket;
}

/** The name that the certificate must have is the one in the configuration. */
function tlsOptions({ at }: LdapAddress, options: ConnectionOptions): ConnectionOptions {
  const host = 'host' in at ? at.host : 'localhost';
  return { ...options, host, ...(isIP(host) === 0 ? { servername: host } : {}) };
}

function ready(socket: Socket, event: 'connect' | 'secureConnect', timeoutMilliseconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      socket.destroy();
      reject(new LdapConnectionError(why));
    };
    const timer = setTimeout(() => fail(`no connection within ${timeoutMilliseconds / 1000} s`), timeoutMilliseconds);
    const failed = (error: Error): void => {
      clearTimeout(timer);
      fail(error.message || 'no connection');
    };
    const closed = (): void => failed(new Error('the server has closed the connection'));
    socket.once('error', failed);
    socket.once('close', closed);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off('error', failed);
      socket.off('close', closed);
      resolve();
    });
  });
}
