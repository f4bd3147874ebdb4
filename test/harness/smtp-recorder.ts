// An SMTP server that keeps every message it is given, with the commands that brought it, and refuses what a test tells it
// to refuse: the next hop of servers that are compared.

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ByteLines } from './byte-lines.ts';

export interface RecordedMail {
  /** MAIL, RCPT … as they came, those that were refused too. */
  readonly commands: readonly string[];
  /** With LF line ends. */
  readonly text: string;
}

export class SmtpRecorder {
  readonly mails: RecordedMail[] = [];
  /** All commands of all sessions. */
  readonly commands: string[] = [];
  connections = 0;
  keywords: readonly string[] = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN'];
  /** A reply in place of the polite one. */
  answer: (command: string) => string | undefined = () => undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** On a free port, or the one that is given. */
  async listen(port = 0, host = '127.0.0.1'): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, host, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Waits for the mail that is yet to come. Throws after `seconds`. */
  async waitFor(count: number, seconds = 20): Promise<void> {
    for (const deadline = performance.now() + seconds * 1000; this.mails.length < count; await sleep(20)) {
      if (performance.now() > deadline) throw new Error(`${this.mails.length} of ${count} messages came`);
    }
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    const bytes = new ByteLines();
    let commands: string[] = [];
    let text: string[] | undefined;
    let taken = 0;
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.write('220 recorder.example ESMTP\r\n');
    socket.on('data', (chunk) => {
      bytes.push(chunk);
      for (let line = bytes.takeLine(); line !== undefined; line = bytes.takeLine()) {
        if (text !== undefined && line !== '.') {
          text.push(line);
          continue;
        }
        if (text !== undefined) {
          this.mails.push({ commands, text: text.join('\n') });
          [commands, text] = [[], undefined];
        } else {
          this.commands.push(line);
          if (/^(?:MAIL|RCPT)/i.test(line)) commands.push(line);
        }
        const reply = this.answer(line) ?? this.#polite(line, taken);
        if (/^RCPT/i.test(line) && reply.startsWith('250')) taken++;
        if (/^(?:RSET|EHLO|QUIT|\.$)/i.test(line)) [commands, taken] = [[], 0];
        if (reply.startsWith('354')) text = [];
        socket.write(`${reply.replaceAll('\n', '\r\n')}\r\n`);
        if (/^QUIT/i.test(line)) socket.end();
      }
    });
  }

  #polite(line: string, recipients: number): string {
    if (/^EHLO/i.test(line)) {
      const lines = ['recorder.example', ...this.keywords];
      return lines.map((word, index) => `250${index === lines.length - 1 ? ' ' : '-'}${word}`).join('\n');
    }
    // A pipelining client sends DATA before it knows that nobody was taken (RFC 2920 §3.1).
    if (/^DATA/i.test(line)) return recipients > 0 ? '354 go on' : '554 5.5.1 no valid recipients';
    if (/^QUIT/i.test(line)) return '221 2.0.0 bye';
    return '250 2.1.0 Ok';
  }
}
