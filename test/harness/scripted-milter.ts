// A milter that answers as a test says, and keeps what it was told: each event with its macros, a line each. It speaks the
// protocol by itself, not with the program's own words: both sides of a test must not share a mistake.

import { createServer, type Server, type Socket } from 'node:net';

/** A letter and what follows it. */
export type MilterReply = string | Buffer;

export interface MilterScript {
  readonly version?: number;
  readonly actions?: number;
  readonly steps?: number;
  /** Behind the steps: lists of symbols. */
  readonly negotiation?: Buffer;
  /** What it says at an event (its letter), in that order; by default `c`. At `O`: in place of the negotiation. */
  readonly answers?: Readonly<Record<string, readonly MilterReply[]>>;
  /** Before the answer to an event. */
  readonly delays?: Readonly<Record<string, number>>;
  /** Ends the connection at this event, or says nothing. */
  readonly hangsUpAt?: string;
  readonly isSilentAt?: string;
}

export const zero = (...texts: readonly string[]): Buffer =>
  Buffer.from(texts.map((text) => `${text}\0`).join(''), 'latin1');

export function packet(letter: string, data: Buffer | string = ''): Buffer {
  const octets = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(octets.length + 1);
  head.write(letter, 4, 'latin1');
  return Buffer.concat([head, octets]);
}

export const addHeader = (name: string, value: string): Buffer => packet('h', zero(name, value));
export const insertHeader = (index: number, name: string, value: string): Buffer =>
  packet('i', Buffer.concat([number(index), zero(name, value)]));
export const changeHeader = (index: number, name: string, value: string): Buffer =>
  packet('m', Buffer.concat([number(index), zero(name, value)]));
export const replaceBody = (text: string): Buffer => packet('b', text);
export const order = (letter: string, ...texts: readonly string[]): Buffer => packet(letter, zero(...texts));

export function number(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value >>> 0);
  return octets;
}

const allActions = 0x1ff;

export class ScriptedMilter {
  script: MilterScript = {};
  readonly lines: string[] = [];
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async start(): Promise<ScriptedMilter> {
    const milter = new ScriptedMilter();
    await new Promise<void>((resolve) => milter.#server.listen(0, '127.0.0.1', resolve));
    return milter;
  }

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** What was told since the last call. */
  take(): string[] {
    return this.lines.splice(0);
  }

  #serve(socket: Socket): void {
    const { script } = this;
    this.connections++;
    this.#sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= 4 + received.readUInt32BE()) {
        const end = 4 + received.readUInt32BE();
        this.#hear(socket, script, received.toString('latin1', 4, 5), received.subarray(5, end));
        received = received.subarray(end);
      }
    });
  }

  #hear(socket: Socket, script: MilterScript, letter: string, data: Buffer): void {
    this.lines.push(show(letter, data));
    if (letter === script.hangsUpAt) {
      socket.destroy();
      return;
    }
    if (letter === script.isSilentAt || 'DAQK'.includes(letter)) return;
    const { version = 6, actions = allActions, steps = 0, negotiation = Buffer.alloc(0), answers = {} } = script;
    if (letter === 'O' && answers['O'] === undefined) {
      socket.write(packet('O', Buffer.concat([number(version), number(actions), number(steps), negotiation])));
      return;
    }
    if (isSilentStep(letter, steps)) return;
    const say = (): void => {
      for (const reply of answers[letter] ?? ['c']) socket.write(typeof reply === 'string' ? packet(reply) : reply);
    };
    const delay = script.delays?.[letter] ?? 0;
    if (delay === 0) say();
    else setTimeout(say, delay);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

const silentSteps: Readonly<Record<string, number>> = {
  L: 0x80,
  C: 0x1000,
  H: 0x2000,
  M: 0x4000,
  R: 0x8000,
  T: 0x10000,
  U: 0x20000,
  N: 0x40000,
  B: 0x80000,
};

function isSilentStep(letter: string, steps: number): boolean {
  return ((silentSteps[letter] ?? 0) & steps) !== 0;
}

/** Zero octets as `|`; the body as its length and its end. */
function show(letter: string, data: Buffer): string {
  if (letter === 'O') return `O ${data.toString('hex')}`;
  if (letter === 'C') {
    const end = data.indexOf(0);
    const family = data.toString('latin1', end + 1, end + 2);
    return `C ${data.toString('latin1', 0, end)} ${family} ${data.toString('latin1', end + 4).replaceAll('\0', '|')}`;
  }
  const text = data.toString('latin1');
  if (letter === 'B') return `B ${data.length} ${JSON.stringify(text.slice(-60))}`;
  return `${letter} ${JSON.stringify(text.replaceAll('\0', '|')).slice(1, -1)}`.trimEnd();
}
