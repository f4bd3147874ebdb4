// Stands before a server and cuts connections off after so many octets of its answers, as a bad line does.

import { type AddressInfo, connect, createServer, type Server } from 'node:net';

export class CuttingProxy {
  readonly #server: Server;
  /** Octets after which each of the next connections is cut; then they are left alone. */
  readonly #cuts: number[];
  connections = 0;

  private constructor(target: number, cuts: readonly number[]) {
    this.#cuts = [...cuts];
    this.#server = createServer((client) => {
      this.connections++;
      let left = this.#cuts.shift() ?? Infinity;
      const server = connect(target, '127.0.0.1');
      const end = (): void => {
        client.destroy();
        server.destroy();
      };
      for (const socket of [client, server]) socket.on('error', end).on('close', end);
      client.pipe(server);
      server.on('data', (chunk) => {
        left -= chunk.length;
        if (left < 0) end();
        else client.write(chunk);
      });
    });
  }

  static async open(target: number, cuts: readonly number[]): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target, cuts);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
