// A listener of HTTP whose server is loaded when somebody first connects: the libraries are large, and most hosts are idle
// most of the time, or are administered by the command line. No client address holds more than its share of connections,
// so that one cannot hold them all; what is beyond is closed unread.

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { networksOf } from '../defence/network.ts';
import type { ProgramLog } from '../lib/log.ts';
import { clientAddress } from './client-address.ts';

const maxConnections = 1000;

export interface ClientLimits {
  /** Connections that one address (IPv6: one /64) may hold; 0: no limit. */
  readonly clientLimit: number;
  /** Asked only about who has as many. */
  readonly isExempt: (address: string) => Promise<boolean>;
}

export class LazyListener {
  readonly #listener: Server;
  readonly #log: ProgramLog;
  readonly #limits: ClientLimits;
  /** By client, as long as one is open: no more than maxConnections entries. */
  readonly #held = new Map<string, { connections: number; isTold: boolean }>();
  /** Those who wait until the server is there. */
  readonly #waiting = new Set<Socket>();
  #take: Promise<(socket: Socket) => void> | undefined;

  /** `open` is called once, and again after it has failed. */
  constructor(open: () => Promise<(socket: Socket) => void>, log: ProgramLog, limits: ClientLimits) {
    this.#log = log;
    this.#limits = limits;
    // Nothing is read before the server knows the connection.
    this.#listener = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => void this.#accept(socket, open));
    this.#listener.maxConnections = maxConnections;
  }

  /** Resolves with the port. */
  async listen(host: string, port: number): Promise<number> {
    const listener = this.#listener;
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen({ host, port, ipv6Only: host === '::' }, () => {
        listener.off('error', reject);
        listener.on('error', (error) => this.#log.warning(`${host}: ${error.message}`));
        resolve();
      });
    });
    return (listener.address() as AddressInfo).port;
  }

  close(): void {
    this.#listener.close();
    for (const socket of this.#waiting) socket.destroy();
  }

  async #accept(socket: Socket, open: () => Promise<(socket: Socket) => void>): Promise<void> {
    const onError = () => socket.destroy();
    socket.on('error', onError);
    this.#waiting.add(socket);
    try {
      if (await this.#isOneTooMany(socket)) return void socket.destroy();
      this.#take ??= open();
      const take = await this.#take;
      if (!socket.destroyed) take(socket);
    } catch (error) {
      this.#take = undefined;
      this.#log.error(`the server of the API does not open: ${error instanceof Error ? error.message : String(error)}`);
      socket.destroy();
    } finally {
      this.#waiting.delete(socket);
    }
  }

  async #isOneTooMany(socket: Socket): Promise<boolean> {
    const { clientLimit, isExempt } = this.#limits;
    const address = clientAddress({ socket });
    const client = networksOf(address).narrow;
    const held = this.#held.get(client) ?? { connections: 0, isTold: false };
    this.#held.set(client, held);
    const others = held.connections++;
    socket.once('close', () => {
      if (--held.connections === 0) this.#held.delete(client);
    });
    if (clientLimit === 0 || others < clientLimit) return false;
    // Where that cannot be found out, nobody holds more than others.
    if (await isExempt(address).catch(() => false)) return false;
    if (!held.isTold) {
      held.isTold = true;
      this.#log.warning(
        `${client} has ${others} connections (posthaste_http_client_connection_limit): more are closed`,
      );
    }
    return true;
  }
}
