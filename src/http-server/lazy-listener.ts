// A listener of HTTP whose server is loaded when somebody first connects: the libraries are large, and most hosts are idle
// most of the time, or are administered by the command line.

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { ProgramLog } from '../lib/log.ts';

const maxConnections = 1000;

export class LazyListener {
  readonly #listener: Server;
  readonly #log: ProgramLog;
  /** Those who wait until the server is there. */
  readonly #waiting = new Set<Socket>();
  #take: Promise<(socket: Socket) => void> | undefined;

  /** `open` is called once, and again after it has failed. */
  constructor(open: () => Promise<(socket: Socket) => void>, log: ProgramLog) {
    this.#log = log;
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
}
