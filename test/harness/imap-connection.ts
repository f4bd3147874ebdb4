// A small IMAP client for tests and loads: sends commands as text, gives back untagged responses with their
// literals. It knows no state of its own, so that it believes nothing that the server did not say.

import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ByteLines } from './byte-lines.ts';
import { ConnectionLostError } from './smtp-connection.ts';

export interface ImapResponse {
  /** Without the leading `* `; each literal is replaced by `{}`. */
  readonly text: string;
  readonly literals: readonly Buffer[];
}

export interface ImapResult {
  readonly status: 'OK' | 'NO' | 'BAD';
  readonly text: string;
  readonly untagged: readonly ImapResponse[];
}

export interface ImapConnectionOptions {
  readonly port: number;
  readonly host?: string;
  /** Implicit TLS, any certificate. */
  readonly tls?: boolean;
}

interface Pending {
  readonly tag: string;
  readonly untagged: ImapResponse[];
  resolve(result: ImapResult): void;
  reject(error: Error): void;
  onContinuation?: () => void;
}

export class ImapConnection {
  readonly #socket: Socket;
  readonly #bytes = new ByteLines();
  #text = '';
  #literals: Buffer[] = [];
  #literalSize: number | undefined;
  #pending: Pending | undefined;
  #nextTag = 1;
  #lost: ConnectionLostError | undefined;
  /** Receives every untagged response, also those that come while no command runs (IDLE). */
  onUntagged: ((response: ImapResponse) => void) | undefined;
  /** Set to count and drop FETCH responses instead of keeping them (large loads). */
  isDiscarding = false;
  receivedBytes = 0;
  receivedResponses = 0;

  static async open({ port, host = '127.0.0.1', tls = false }: ImapConnectionOptions): Promise<ImapConnection> {
    const socket = tls
      ? connectTls({ port, host, rejectUnauthorized: false })
      : connectPlain({ port, host, noDelay: true });
    const connection = new ImapConnection(socket);
    await connection.#run('', '');
    return connection;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#lose(error.message));
    socket.on('close', () => this.#lose('connection closed'));
  }

  /** Runs a command; NO and BAD are results, a lost connection is ConnectionLostError. */
  command(text: string): Promise<ImapResult> {
    const tag = `t${this.#nextTag++}`;
    return this.#run(tag, `${tag} ${text}\r\n`);
  }

  /** As `command`, and throws unless the server says OK. */
  async ok(text: string): Promise<ImapResult> {
    const result = await this.command(text);
    if (result.status !== 'OK') throw new Error(`IMAP: ${text.slice(0, 60)}: ${result.status} ${result.text}`);
    return result;
  }

  login(address: string, password: string): Promise<ImapResult> {
    return this.ok(`LOGIN "${address}" "${password}"`);
  }

  append(folder: string, message: Buffer): Promise<ImapResult> {
    const tag = `t${this.#nextTag++}`;
    return this.#run(tag, `${tag} APPEND "${folder}" {${message.length}}\r\n`, () => {
      this.#socket.write(Buffer.concat([message, Buffer.from('\r\n')]));
    });
  }

  /** Starts IDLE; resolves when the server waits. End it with the returned function. */
  async idle(): Promise<() => Promise<ImapResult>> {
    const tag = `t${this.#nextTag++}`;
    let result: Promise<ImapResult> | undefined;
    await new Promise<void>((resolve, reject) => {
      result = this.#run(tag, `${tag} IDLE\r\n`, resolve);
      result.catch(reject);
    });
    return async () => {
      this.#socket.write('DONE\r\n');
      if (!result) throw new ConnectionLostError('IDLE was not started');
      return result;
    };
  }

  async logout(): Promise<void> {
    await this.command('LOGOUT').catch(() => undefined);
    this.destroy();
  }

  /** Stops and starts reading: a client that holds a long read. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #run(tag: string, bytes: string, onContinuation?: () => void): Promise<ImapResult> {
    if (this.#lost) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      this.#pending = { tag, untagged: [], resolve, reject, ...(onContinuation ? { onContinuation } : {}) };
      if (bytes) this.#socket.write(bytes);
    });
  }

  #receive(chunk: Buffer): void {
    this.receivedBytes += chunk.length;
    this.#bytes.push(chunk);
    for (;;) {
      if (this.#literalSize !== undefined) {
        const literal = this.#bytes.takeBytes(this.#literalSize);
        if (literal === undefined) return;
        this.#literals.push(literal);
        this.#literalSize = undefined;
      }
      const line = this.#bytes.takeLine();
      if (line === undefined) return;
      const literal = /\{(\d+)\}$/.exec(line);
      if (literal) {
        this.#text += `${line.slice(0, literal.index)}{}`;
        this.#literalSize = Number(literal[1]);
      } else {
        const response = { text: this.#text + line, literals: this.#literals };
        this.#text = '';
        this.#literals = [];
        this.#respond(response);
      }
    }
  }

  #respond({ text, literals }: ImapResponse): void {
    const pending = this.#pending;
    if (text.startsWith('+')) {
      pending?.onContinuation?.();
    } else if (pending?.tag === '') {
      // The greeting.
      this.#pending = undefined;
      pending.resolve({ status: text.startsWith('* OK') ? 'OK' : 'NO', text, untagged: [] });
    } else if (text.startsWith('* ')) {
      const response = { text: text.slice(2), literals };
      this.receivedResponses++;
      this.onUntagged?.(response);
      if (!this.isDiscarding) pending?.untagged.push(response);
    } else if (pending && text.startsWith(`${pending.tag} `)) {
      const rest = text.slice(pending.tag.length + 1);
      this.#pending = undefined;
      const status = rest.startsWith('OK') ? 'OK' : rest.startsWith('NO') ? 'NO' : 'BAD';
      pending.resolve({ status, text: rest.slice(status.length + 1), untagged: pending.untagged });
    }
  }

  #lose(reason: string): void {
    this.#lost ??= new ConnectionLostError(reason);
    this.#pending?.reject(this.#lost);
    this.#pending = undefined;
  }
}
