// An LMTP server (RFC 2033) that takes everything and keeps it by the message's X-Case header.

import { createServer, type Server, type Socket } from 'node:net';

export interface SunkMessage {
  /** What follows `MAIL FROM:` and each `RCPT TO:`. */
  readonly from: string;
  readonly recipients: readonly string[];
  /** Lines without line ends. */
  readonly headers: readonly string[];
  readonly body: string;
}

const capabilities = ['sink', 'PIPELINING', '8BITMIME', 'DSN', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'];

export class LmtpSink {
  readonly #server: Server;
  readonly #messages = new Map<string, SunkMessage[]>();

  static async start(): Promise<LmtpSink> {
    const sink = new LmtpSink();
    await new Promise<void>((resolve) => sink.#server.listen(0, '127.0.0.1', resolve));
    return sink;
  }

  private constructor() {
    this.#server = createServer((socket) => new SinkSession(socket, (message) => this.#keep(message)));
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Takes what has come for a case. */
  take(id: string): SunkMessage[] {
    const messages = this.#messages.get(id) ?? [];
    this.#messages.delete(id);
    return messages;
  }

  close(): void {
    this.#server.close();
  }

  #keep(message: SunkMessage): void {
    const id =
      message.headers
        .find((line) => /^x-case:/i.test(line))
        ?.slice(7)
        .trim() ?? '';
    this.#messages.set(id, [...(this.#messages.get(id) ?? []), message]);
  }
}

class SinkSession {
  readonly #socket: Socket;
  readonly #keep: (message: SunkMessage) => void;
  #rest = '';
  #from = '';
  #recipients: string[] = [];
  #data: string[] | undefined;

  constructor(socket: Socket, keep: (message: SunkMessage) => void) {
    this.#socket = socket;
    this.#keep = keep;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const lines = (this.#rest + chunk.toString('utf8')).split('\r\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#take(line);
    });
    socket.write('220 sink LMTP\r\n');
  }

  #take(line: string): void {
    if (this.#data !== undefined) {
      if (line === '.') this.#end(this.#data);
      else this.#data.push(line.startsWith('.') ? line.slice(1) : line);
      return;
    }
    const word = line.slice(0, 4).toUpperCase();
    switch (word) {
      case 'LHLO':
        this.#say(...capabilities.map((one, index) => `250${index < capabilities.length - 1 ? '-' : ' '}${one}`));
        break;
      case 'MAIL':
        this.#from = line.slice('MAIL FROM:'.length);
        this.#recipients = [];
        this.#say('250 2.1.0 Ok');
        break;
      case 'RCPT':
        this.#recipients.push(line.slice('RCPT TO:'.length));
        this.#say('250 2.1.5 Ok');
        break;
      case 'DATA':
        this.#data = [];
        this.#say('354 go on');
        break;
      case 'QUIT':
        this.#socket.end('221 2.0.0 Bye\r\n');
        break;
      default:
        this.#say('250 2.0.0 Ok');
    }
  }

  #end(lines: readonly string[]): void {
    this.#data = undefined;
    const empty = lines.indexOf('');
    const headers = lines.slice(0, empty === -1 ? lines.length : empty);
    const body = empty === -1 ? '' : lines.slice(empty + 1).join('\n');
    this.#keep({ from: this.#from, recipients: this.#recipients, headers, body });
    this.#say(...this.#recipients.map(() => '250 2.0.0 Ok'));
  }

  #say(...lines: readonly string[]): void {
    this.#socket.write(lines.map((line) => `${line}\r\n`).join(''));
  }
}
