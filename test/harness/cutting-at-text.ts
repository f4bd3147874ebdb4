// A TCP proxy to a local socket or port that cuts a connection when the client sends a given text: before the server has it, or
// as soon as it has, so that the client never hears the answer.

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export type CutMoment = 'before' | 'after';

export class CuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The next connection that sends this is cut; once. */
  cut: { readonly text: string; readonly moment: CutMoment } | undefined;
  port = 0;

  constructor(target: { readonly path: string }) {
    this.#server = createServer((client) => {
      const server = connect(target);
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => this.#sockets.delete(socket));
      }
      client.on('data', (bytes: Buffer) => {
        const { cut } = this;
        if (cut === undefined || !bytes.includes(cut.text)) {
          server.write(bytes);
          return;
        }
        this.cut = undefined;
        client.destroy();
        // After: the server reads it and finds nobody to answer.
        if (cut.moment === 'after') server.end(bytes);
        else server.destroy();
      });
      server.on('data', (bytes: Buffer) => client.write(bytes));
      server.on('close', () => client.destroy());
      client.on('close', () => server.end());
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
