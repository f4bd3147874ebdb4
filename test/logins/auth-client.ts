// A client of the Dovecot auth protocol that sends what a test says and reads lines.

import { connect, type Socket } from 'node:net';

export const plain = (login: string, password: string): string =>
  Buffer.from(`\0${login}\0${password}`).toString('base64');

export class AuthClient {
  readonly #socket: Socket;
  readonly #lines: string[] = [];
  #rest = '';
  #wake: (() => void) | undefined;
  isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      const lines = (this.#rest + chunk.toString('utf8')).split('\n');
      this.#rest = lines.pop() ?? '';
      this.#lines.push(...lines);
      this.#wake?.();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#wake?.();
    });
  }

  static open(at: string | number): Promise<AuthClient> {
    return new Promise((resolve, reject) => {
      const socket = typeof at === 'string' ? connect(at) : connect(at, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => resolve(new AuthClient(socket)));
    });
  }

  /** As Postfix does it; the lines of the server's greeting. */
  async greet(): Promise<string[]> {
    this.send('VERSION\t1\t1\nCPID\t42\n');
    const lines: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) {
      lines.push(line);
      if (line === 'DONE') break;
    }
    return lines;
  }

  send(text: string | Buffer): void {
    this.#socket.write(text);
  }

  /** Undefined when the server has closed. */
  async line(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#lines.shift();
  }

  async ask(text: string): Promise<string | undefined> {
    this.send(`${text}\n`);
    return await this.line();
  }

  async closed(): Promise<void> {
    while (!this.isClosed) await this.line();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
