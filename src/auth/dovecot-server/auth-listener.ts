// Listens for clients or masters of the auth protocol: on a Unix socket, whose owner and mode say who may ask, or on an
// address. So many connections, and no more. A socket file that a killed server has left is replaced; one that somebody
// listens on is not.

import fs from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ProgramLog } from '../../lib/log.ts';

export interface AuthEndpoint {
  readonly at: { readonly path: string } | { readonly host: string; readonly port: number };
  /** Of the socket file. */
  readonly mode: number;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** What one connection is: told when it is over, and to end. */
export interface AuthConnection {
  end(): void;
}

const maxConnections = 500;

export class AuthListener {
  readonly #server: Server;
  readonly #log: ProgramLog;
  readonly #connections = new Set<AuthConnection>();
  #isFull = false;

  constructor(log: ProgramLog, open: (socket: Socket, onEnd: () => void) => AuthConnection) {
    this.#log = log;
    this.#server = createServer((socket) => {
      if (this.#connections.size >= maxConnections) {
        socket.on('error', () => undefined);
        socket.destroy();
        this.#tellFull();
        return;
      }
      this.#isFull = false;
      const connection: AuthConnection = open(socket, () => this.#connections.delete(connection));
      this.#connections.add(connection);
    });
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** The port, for an address. Throws what listen(2) says. */
  async listen({ at, mode, uid, gid }: AuthEndpoint): Promise<number> {
    if ('path' in at) await removeAbandoned(at.path);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      const done = (): void => resolve();
      if ('path' in at) this.#server.listen(at.path, done);
      else this.#server.listen({ host: at.host, port: at.port, ipv6Only: at.host === '::' }, done);
    });
    // Until here the process's umask has kept others out: to connect takes the right to write.
    if ('path' in at) {
      // -1 leaves it as it is (chown(2)).
      if (uid !== undefined || gid !== undefined) fs.chownSync(at.path, uid ?? -1, gid ?? -1);
      fs.chmodSync(at.path, mode);
    }
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const connection of this.#connections) connection.end();
    await closed;
  }

  /** Once, until there is room again. */
  #tellFull(): void {
    if (!this.#isFull) this.#log.warning(`auth: more than ${maxConnections} connections; further ones are refused`);
    this.#isFull = true;
  }
}

async function removeAbandoned(path: string): Promise<void> {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new Error(`${path} is no socket`);
  const isServed = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
  if (isServed) throw Object.assign(new Error(`another program listens on ${path}`), { code: 'EADDRINUSE' });
  fs.unlinkSync(path);
}
