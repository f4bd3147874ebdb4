// An SMTP server that says what a test tells it to, and remembers what it was told.

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Envelope } from '../../src/smtp-client/types.ts';

/** A line the server waits for (a prefix), and what it says then; `''` is the greeting. */
export type Script = readonly (readonly [string, string])[];

export class ScriptedServer {
  readonly lines: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  connections = 0;

  /** A function is asked at each line what the connection with this number (from 1) hears. */
  constructor(script: Script | ((connection: number) => Script)) {
    this.#server = createServer((socket) => {
      this.connections++;
      this.#sockets.add(socket);
      // Each line is a write: they must not wait for each other's acknowledgements.
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      const number = this.connections;
      this.#serve(socket, typeof script === 'function' ? () => script(number) : () => script);
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes all connections without a word, as a server that restarts. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** What nobody has asked for. */
  say(line: string): void {
    for (const socket of this.#sockets) socket.write(`${line}\r\n`);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket, script: () => Script): void {
    let isData = false;
    let isMute = false;
    let rest = '';
    const say = (line: string) => {
      if (isMute) return;
      const reply = script().find(
        ([prefix]) => line.toUpperCase().startsWith(prefix) && (prefix === '') === (line === ''),
      )?.[1];
      if (reply === 'MUTE') isMute = true;
      else if (reply === 'CLOSE') socket.destroy();
      else if (reply !== undefined && reply !== 'SILENT') socket.write(reply.replaceAll('\n', '\r\n') + '\r\n');
      if (reply?.startsWith('354')) isData = true;
    };
    say('');
    socket.on('data', (chunk: Buffer) => {
      rest += chunk.toString();
      for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        this.lines.push(line);
        if (isData && line !== '.') continue;
        isData = false;
        say(line);
      }
    });
  }
}

export const polite: Script = [
  ['', '220 mx.example ESMTP'],
  ['EHLO', '250-mx.example\n250-PIPELINING\n250-SIZE 1000\n250-DSN\n250-8BITMIME\n250 SMTPUTF8'],
  ['RSET', '250 2.0.0 Ok'],
  ['MAIL', '250 2.1.0 Ok'],
  ['RCPT TO:<BAD', '550 5.1.1 no such user'],
  ['RCPT TO:<BUSY', '450 4.2.1 busy'],
  ['RCPT', '250 2.1.5 Ok'],
  ['DATA', '354 go on'],
  ['.', '250 2.0.0 Ok: queued'],
  ['QUIT', '221 bye'],
];

export const text = 'Subject: hi\r\n\r\n.dot\r\nlast\r\n';

export function envelope(recipients: readonly string[], fields: Partial<Envelope> = {}, body = text): Envelope {
  const bytes = Buffer.from(body);
  return {
    sender: 'joe@a.example',
    recipients: recipients.map((address) => ({ address, notify: '', orcpt: '' })),
    ret: '',
    envid: '',
    eightBit: false,
    smtputf8: false,
    body: { size: bytes.length, read: async (from, to) => bytes.subarray(from, to) },
    ...fields,
  };
}
