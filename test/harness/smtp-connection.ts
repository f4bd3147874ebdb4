// A small SMTP client for tests and loads: it knows whether a reply came before the connection was lost, which is
// what a fault run has to know about every final dot.

import { connect, type Socket } from 'node:net';
import { ByteLines } from './byte-lines.ts';

export interface SmtpReply {
  readonly code: number;
  /** Text of all lines, joined by newlines, without the code. */
  readonly text: string;
}

/** The connection ended before the reply came: what the server did is not known. */
export class ConnectionLostError extends Error {
  override name = 'ConnectionLostError';
}

interface Waiter {
  resolve(reply: SmtpReply): void;
  reject(error: Error): void;
}

export class SmtpConnection {
  readonly #socket: Socket;
  readonly #bytes = new ByteLines();
  readonly #replies: SmtpReply[] = [];
  readonly #waiters: Waiter[] = [];
  #text: string[] = [];
  #lost: ConnectionLostError | undefined;

  /** Resolves after the greeting (any code). */
  static async open(port: number, host = '127.0.0.1'): Promise<SmtpConnection> {
    const connection = new SmtpConnection(connect({ port, host, noDelay: true }));
    await connection.reply();
    return connection;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#lose(error.message));
    socket.on('close', () => this.#lose('connection closed'));
  }

  /** Sends bytes as they are. */
  send(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends without waiting for the memory to be free: false when the socket is full; then await `drained`. */
  sendSome(bytes: Uint8Array): boolean {
    return this.#socket.write(bytes);
  }

  async drained(): Promise<void> {
    if (this.#lost) throw this.#lost;
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        this.#socket.off('drain', settle).off('close', settle);
        if (this.#lost) reject(this.#lost);
        else resolve();
      };
      this.#socket.on('drain', settle).on('close', settle);
    });
  }

  /** The next reply that has not been taken yet. */
  reply(): Promise<SmtpReply> {
    const ready = this.#replies.shift();
    if (ready) return Promise.resolve(ready);
    if (this.#lost) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  command(line: string): Promise<SmtpReply> {
    this.send(`${line}\r\n`);
    return this.reply();
  }

  async quit(): Promise<void> {
    this.send('QUIT\r\n');
    await this.reply().catch(() => undefined);
    this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#bytes.push(chunk);
    for (let line = this.#bytes.takeLine(); line !== undefined; line = this.#bytes.takeLine()) {
      this.#text.push(line.slice(4));
      if (line[3] === '-') continue;
      const reply = { code: Number(line.slice(0, 3)), text: this.#text.join('\n') };
      this.#text = [];
      const waiter = this.#waiters.shift();
      if (waiter) waiter.resolve(reply);
      else this.#replies.push(reply);
    }
  }

  #lose(reason: string): void {
    this.#lost ??= new ConnectionLostError(reason);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#lost);
  }
}
