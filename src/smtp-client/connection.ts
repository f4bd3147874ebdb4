// One connection to another server: bytes out with back-pressure, replies in, each wait with its own time limit,
// and the switch to TLS. Knows nothing of commands.

import { connect as connectTcp, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ReplyError, ReplyParser, type ServerReply } from './reply.ts';

export type ConnectionProblem = 'connect' | 'timeout' | 'lost' | 'protocol' | 'tls';

export class ConnectionError extends Error {
  override name = 'ConnectionError';
  readonly problem: ConnectionProblem;

  constructor(problem: ConnectionProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

interface Waiter {
  resolve(reply: ServerReply): void;
  reject(error: ConnectionError): void;
}

export type ConnectionTarget =
  /** `from`: our own address, or '' for any. */
  { readonly address: string; readonly port: number; readonly from: string } | { readonly path: string };

/** For a last word to get through. */
const lingerMilliseconds = 10_000;
/** A server that talks on without being asked is cut off. */
const maxUnasked = 1000;

export class Connection {
  #socket: Socket;
  readonly #parser = new ReplyParser();
  readonly #replies: ServerReply[] = [];
  readonly #waiters: Waiter[] = [];
  #failure: ConnectionError | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static open(target: ConnectionTarget, timeoutMilliseconds: number, signal?: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = 'path' in target ? connectTcp(target.path) : openTcp(target);
      const timer = setTimeout(() => fail('Connection timed out'), timeoutMilliseconds);
      const abort = () => fail('shutting down');
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        socket.removeListener('error', onError);
      };
      const fail = (message: string) => {
        settle();
        socket.on('error', () => undefined);
        socket.destroy();
        reject(new ConnectionError('connect', message));
      };
      const onError = (error: NodeJS.ErrnoException) => fail(describe(error));
      socket.once('error', onError);
      socket.once('connect', () => {
        settle();
        socket.setNoDelay(true);
        resolve(new Connection(socket));
      });
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** The next reply, in the order in which the server gives them. */
  readReply(timeoutMilliseconds: number): Promise<ServerReply> {
    const ready = this.#replies.shift();
    if (ready) return Promise.resolve(ready);
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(new ConnectionError('timeout', 'timed out')), timeoutMilliseconds);
      this.#waiters.push({
        resolve: (reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
    });
  }

  /** Writes, and waits while the other side does not take what is there. */
  write(data: string | Uint8Array, timeoutMilliseconds: number): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#socket.write(data)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const socket = this.#socket;
      const settle = () => {
        clearTimeout(timer);
        socket.removeListener('drain', onDrain);
        socket.removeListener('close', onClose);
      };
      const onDrain = () => {
        settle();
        resolve();
      };
      const onClose = () => {
        settle();
        reject(this.#failure ?? new ConnectionError('lost', 'connection closed'));
      };
      const timer = setTimeout(() => this.#fail(new ConnectionError('timeout', 'timed out')), timeoutMilliseconds);
      socket.once('drain', onDrain);
      socket.once('close', onClose);
    });
  }

  /** A reply that nobody has asked for (`421` while data is sent) is waiting. */
  get hasReply(): boolean {
    return this.#replies.length > 0;
  }

  /** Neither broken nor talked on: the next command may go out. */
  get isUsable(): boolean {
    return this.#failure === undefined && this.#replies.length === 0 && this.#waiters.length === 0;
  }

  /** Goes on with what `shakeHands` makes of the socket; nothing may have been said in between (RFC 3207 §5). */
  async startTls<Result extends { readonly socket: TLSSocket }>(
    shakeHands: (plain: Socket) => Promise<Result>,
  ): Promise<Result> {
    if (this.#failure) throw this.#failure;
    if (this.#replies.length > 0 || !this.#parser.isEmpty) {
      throw new ConnectionError('protocol', 'data after the STARTTLS reply');
    }
    const plain = this.#socket;
    plain.removeAllListeners('data').removeAllListeners('error').removeAllListeners('close').removeAllListeners('end');
    try {
      const secured = await shakeHands(plain);
      this.#socket = secured.socket;
      this.#listen();
      return secured;
    } catch (error) {
      this.#failure = new ConnectionError('tls', (error as Error).message.slice(0, 300));
      throw this.#failure;
    }
  }

  /** Says the last word and ends, without waiting for an answer. */
  end(lastWord: string): void {
    if (this.#failure) return;
    this.#failure = new ConnectionError('lost', 'closed');
    const socket = this.#socket;
    const timer = setTimeout(() => socket.destroy(), lingerMilliseconds);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
    socket.resume();
    socket.end(lastWord);
  }

  /** Ends now; nothing more is read. */
  close(): void {
    this.#fail(new ConnectionError('lost', 'closed'));
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(new ConnectionError('lost', describe(error))));
    socket.on('close', () => this.#fail(new ConnectionError('lost', 'connection closed')));
  }

  #receive(chunk: Buffer): void {
    if (this.#failure) return;
    try {
      for (const reply of this.#parser.push(chunk)) {
        const waiter = this.#waiters.shift();
        if (waiter) waiter.resolve(reply);
        else this.#replies.push(reply);
      }
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      this.#fail(new ConnectionError('protocol', error.message));
    }
    if (this.#replies.length > maxUnasked) this.#fail(new ConnectionError('protocol', 'too many replies'));
  }

  #fail(error: ConnectionError): void {
    if (!this.#failure) {
      this.#failure = error;
      this.#socket.destroy();
    }
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#failure);
  }
}

function openTcp({ address, port, from }: Extract<ConnectionTarget, { address: string }>): Socket {
  return connectTcp({ host: address, port, ...(from === '' ? {} : { localAddress: from }) });
}

const texts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ETIMEDOUT: 'Connection timed out',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ECONNRESET: 'Connection reset by peer',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
};

function describe(error: NodeJS.ErrnoException): string {
  return (error.code === undefined ? undefined : texts[error.code]) ?? error.code ?? error.message;
}
