// The other side of smtp and lmtp in a fault run: takes mail and notes what it gave 250, and when. What it does with a
// recipient stands in the address, `smtp.BEHAVIOUR.…@…`:
//   take               250
//   later1, later2, …  450 to the first so many RCPT, then 250
//   dotlater           450 to the first final dot (by SMTP for the whole message), then 250
//   refuse             550 to RCPT
//   dotrefuse          550 to the final dot (LMTP)
// Answers to final dots are sometimes late, and by LMTP one by one, so that cuts come in between.

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../harness/random.ts';
import type { Arrival } from './ledger.ts';
import { recogniseMessage } from './numbered-message.ts';

export class Sink {
  readonly protocol: 'smtp' | 'lmtp';
  readonly arrivals: Arrival[] = [];
  readonly random: Random;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** By address and stage: how often it has been put off. */
  readonly #refusals = new Map<string, number>();

  constructor(protocol: 'smtp' | 'lmtp', random: Random) {
    this.protocol = protocol;
    this.random = random;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      new SinkSession(socket, this);
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** True: put off once more. */
  putsOff(stage: 'RCPT' | 'dot', address: string): boolean {
    const behaviour = behaviourOf(address);
    const pattern = stage === 'RCPT' ? /^later(\d)$/ : /^dotlater()$/;
    const match = pattern.exec(behaviour);
    if (!match) return false;
    const key = `${stage} ${address}`;
    const count = (this.#refusals.get(key) ?? 0) + 1;
    this.#refusals.set(key, count);
    return count <= Number(match[1] || 1);
  }
}

export function behaviourOf(address: string): string {
  return address.split('.')[1] ?? '';
}

const endOfData = Buffer.from('\r\n.\r\n');

class SinkSession {
  readonly #socket: Socket;
  readonly #sink: Sink;
  #rest: Buffer = Buffer.alloc(0);
  #recipients: string[] = [];
  #isData = false;
  /** What comes while an answer is late waits here. */
  #work: Promise<void> = Promise.resolve();

  constructor(socket: Socket, sink: Sink) {
    this.#socket = socket;
    this.#sink = sink;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      this.#work = this.#work.then(() => this.#receive(chunk));
    });
    this.#say('220 sink.test ESMTP');
  }

  async #receive(chunk: Buffer): Promise<void> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const mark = this.#isData ? endOfData : '\r\n';
      const end = this.#rest.indexOf(mark);
      if (end < 0) return;
      const part = this.#rest.subarray(0, end + 2);
      this.#rest = this.#rest.subarray(end + mark.length);
      if (!this.#isData) this.#command(part.toString('latin1', 0, end));
      else {
        this.#isData = false;
        await this.#end(part);
      }
    }
  }

  #command(line: string): void {
    const word = line.slice(0, 4).toUpperCase();
    if (word === 'EHLO' || word === 'LHLO') {
      this.#say('250-sink.test', '250-PIPELINING', '250-8BITMIME', '250-ENHANCEDSTATUSCODES', '250 SMTPUTF8');
    } else if (word === 'MAIL') {
      this.#recipients = [];
      this.#say('250 2.1.0 Ok');
    } else if (word === 'RCPT') {
      this.#recipient(/<(.*)>/.exec(line)?.[1] ?? '');
    } else if (word === 'DATA') {
      this.#isData = this.#recipients.length > 0;
      this.#say(this.#isData ? '354 go on' : '554 5.5.1 no valid recipients');
    } else if (word === 'QUIT') {
      this.#socket.end('221 2.0.0 Bye\r\n');
    } else {
      if (word === 'RSET') this.#recipients = [];
      this.#say('250 2.0.0 Ok');
    }
  }

  #recipient(address: string): void {
    if (behaviourOf(address) === 'refuse') this.#say('550 5.1.1 no such user');
    else if (this.#sink.putsOff('RCPT', address)) this.#say('450 4.2.1 come again');
    else {
      this.#recipients.push(address);
      this.#say('250 2.1.5 Ok');
    }
  }

  async #end(stuffed: Buffer): Promise<void> {
    const { protocol, random } = this.#sink;
    const bytes = Buffer.from(stuffed.toString('latin1').replace(/^\.\./gm, '.'), 'latin1');
    const recognised = recogniseMessage(bytes);
    await this.#wait();
    if (protocol === 'smtp') {
      const later = this.#recipients.filter((address) => this.#sink.putsOff('dot', address));
      if (later.length > 0) this.#say('450 4.3.0 come again');
      else if (this.#say('250 2.0.0 taken')) for (const address of this.#recipients) this.#take(address, recognised);
      return;
    }
    for (const address of this.#recipients) {
      if (random.chance(20)) await this.#wait();
      if (behaviourOf(address) === 'dotrefuse') this.#say('550 5.7.1 not for this one');
      else if (this.#sink.putsOff('dot', address)) this.#say('450 4.3.0 come again');
      else if (this.#say('250 2.0.0 taken')) this.#take(address, recognised);
    }
  }

  #take(address: string, { token, sha256 }: { token: string; sha256: string }): void {
    const { protocol } = this.#sink;
    this.#sink.arrivals.push({
      token,
      kind: protocol,
      address,
      sha256,
      at: Date.now(),
      where: `${protocol} ${address}`,
    });
  }

  async #wait(): Promise<void> {
    if (this.#sink.random.chance(20)) await sleep(this.#sink.random.between(20, 300));
  }

  /** False: nobody hears it. */
  #say(...lines: readonly string[]): boolean {
    if (this.#socket.destroyed || !this.#socket.writable) return false;
    this.#socket.write(lines.map((line) => `${line}\r\n`).join(''));
    return true;
  }
}
