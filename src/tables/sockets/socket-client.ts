// Asks a server of one request and one reply at a time (tcp:, socketmap:, memcache:). A few connections are kept, each
// for one question at a time; what more lookups come wait in line. Bounded: connections, line, reply, and the time from
// the question to the answer, waiting included. A connection that breaks before the reply is made again, once, so that
// a server's restart goes unnoticed; silence and refusals are not tried again.

import { connect, type Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import type { Endpoint } from './endpoint.ts';

/** Undefined: not all there yet. What is left over means that the server talks out of turn. Throws BadReplyError. */
export type DecodeReply<Reply> = (received: Buffer) => { readonly reply: Reply; readonly length: number } | undefined;

export class BadReplyError extends Error {
  override name = 'BadReplyError';
}

/** There is nobody to ask. */
export class UnreachableError extends TemporaryError {}

export interface SocketClientOptions {
  /** `type:name`, for messages. */
  readonly table: string;
  readonly endpoint: Endpoint;
  readonly timeoutMilliseconds: number;
  readonly maxReplyBytes: number;
  readonly clock: Clock;
  readonly maxConnections?: number;
}

const idleMilliseconds = 10_000;
// A server behind a balancer may move: no connection is kept for ever (auto_clnt(3) in socketmap_table(5)).
const maxAgeMilliseconds = 100_000;
const maxWaiting = 1000;
const defaultConnections = 8;

interface Connection {
  readonly socket: Socket;
  readonly openedAt: number;
}

export class SocketClient {
  readonly #options: SocketClientOptions;
  readonly #idle: Connection[] = [];
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  constructor(options: SocketClientOptions) {
    this.#options = options;
  }

  /** Throws TemporaryError. */
  async ask<Reply>(request: Buffer, decode: DecodeReply<Reply>): Promise<Reply> {
    const { table, timeoutMilliseconds } = this.#options;
    const limit = AbortSignal.timeout(timeoutMilliseconds);
    try {
      await this.#turn(limit);
      try {
        return await this.#askOnce(request, decode, limit).catch(async (error: Error) => {
          if (!(error instanceof BrokenConnection) || limit.aborted) throw error;
          return await this.#askOnce(request, decode, limit);
        });
      } finally {
        this.#open--;
        this.#waiting.shift()?.();
      }
    } catch (error) {
      if (error instanceof ConnectError) throw new UnreachableError(`table ${table}: ${error.message}`);
      const why = limit.aborted ? `no reply within ${timeoutMilliseconds / 1000} s` : (error as Error).message;
      throw new TemporaryError(`table ${table}: ${why}`);
    }
  }

  close(): void {
    for (const { socket } of this.#idle.splice(0)) socket.destroy();
  }

  async #turn(limit: AbortSignal): Promise<void> {
    if (this.#open < (this.#options.maxConnections ?? defaultConnections)) {
      this.#open++;
      return;
    }
    if (this.#waiting.length >= maxWaiting) throw new Error(`${maxWaiting} lookups wait for it already`);
    await new Promise<void>((resolve, reject) => {
      const proceed = (): void => {
        limit.removeEventListener('abort', giveUp);
        this.#open++;
        resolve();
      };
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(proceed), 1);
        reject(new Error('no turn'));
      };
      limit.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(proceed);
    });
  }

  async #askOnce<Reply>(request: Buffer, decode: DecodeReply<Reply>, limit: AbortSignal): Promise<Reply> {
    const connection = this.#takeIdle() ?? (await this.#connect(limit));
    try {
      const reply = await exchange(connection.socket, request, decode, this.#options.maxReplyBytes, limit);
      this.#keep(connection);
      return reply;
    } catch (error) {
      connection.socket.destroy();
      throw error;
    }
  }

  #takeIdle(): Connection | undefined {
    const now = this.#options.clock.monotonic();
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      const isUsable = !last.socket.destroyed && last.socket.readable && now - last.openedAt < maxAgeMilliseconds;
      for (const event of ['timeout', 'close', 'data']) last.socket.removeAllListeners(event);
      last.socket.setTimeout(0);
      if (isUsable) return last;
      last.socket.destroy();
    }
    return undefined;
  }

  #keep(connection: Connection): void {
    const { socket } = connection;
    this.#idle.push(connection);
    socket.setTimeout(idleMilliseconds, () => this.#forget(connection));
    socket.once('close', () => this.#forget(connection));
    // What comes without a question would be taken for the answer to the next.
    socket.once('data', () => this.#forget(connection));
    // An idle connection keeps no command from ending.
    socket.unref();
  }

  #forget(connection: Connection): void {
    connection.socket.destroy();
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
  }

  #connect(limit: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...this.#options.endpoint });
      const stop = (): void => {
        socket.destroy();
        reject(new Error('no connection'));
      };
      limit.addEventListener('abort', stop, { once: true });
      socket.once('error', (error) => reject(new ConnectError(`connect: ${error.message || 'refused'}`)));
      socket.once('connect', () => {
        limit.removeEventListener('abort', stop);
        // Told by 'close' too; without a listener it would be thrown.
        socket.on('error', () => undefined);
        resolve({ socket, openedAt: this.#options.clock.monotonic() });
      });
    });
  }
}

class ConnectError extends Error {
  override name = 'ConnectError';
}

/** The server has hung up before it has answered. */
class BrokenConnection extends Error {
  override name = 'BrokenConnection';
}

function exchange<Reply>(
  socket: Socket,
  request: Buffer,
  decode: DecodeReply<Reply>,
  maxReplyBytes: number,
  limit: AbortSignal,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const settle = (finish: () => void): void => {
      socket.off('data', read);
      socket.off('close', closed);
      limit.removeEventListener('abort', stop);
      finish();
    };
    const fail = (error: Error): void => settle(() => reject(error));
    const stop = (): void => fail(new Error('no reply'));
    const closed = (): void => fail(new BrokenConnection('the server has closed the connection'));
    const read = (bytes: Buffer): void => {
      received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
      try {
        const decoded = decode(received);
        if (decoded === undefined && received.length > maxReplyBytes) throw new BadReplyError('the reply is too long');
        if (decoded === undefined) return;
        if (decoded.length < received.length) throw new BadReplyError('more than one reply to one request');
        settle(() => resolve(decoded.reply));
      } catch (error) {
        fail(error as Error);
      }
    };
    socket.ref();
    socket.on('data', read);
    socket.on('close', closed);
    limit.addEventListener('abort', stop, { once: true });
    socket.write(request);
  });
}
