// The connection to one milter: packets of a length, a letter and data. Nobody at the other end is trusted: a packet's
// length is bounded, and so is what waits unread; every wait has its time, for reading as for a filter that does not
// read what it is sent.

import { connect as connectSocket, type Socket } from 'node:net';
import type { MilterAddress } from './options.ts';

export interface Packet {
  readonly letter: string;
  readonly data: Buffer;
}

/** Header values and body pieces of a filter that has negotiated nothing else are at most 64 KiB. */
const maxPacketBytes = 1024 * 1024 + 64;
/** Packets are gathered up to this before they are written though no answer is awaited. */
const maxGatheredBytes = 256 * 1024;

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  ECONNRESET: 'Connection reset by peer',
  EPIPE: 'Broken pipe',
  ENOTFOUND: 'Host not found',
};

function reasonOf(error: NodeJS.ErrnoException): Error {
  return new Error(reasons[error.code ?? ''] ?? error.message);
}

export class MilterConnection {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk);
      this.#receivedBytes += chunk.length;
      if (this.#receivedBytes > maxPacketBytes) socket.pause();
      this.#wake?.();
    });
    const fail = (error: Error): void => {
      this.#failure ??= error;
      this.#wake?.();
    };
    socket.on('error', (error) => fail(reasonOf(error)));
    // Postfix's word for it.
    socket.on('end', () => fail(new Error('Application error')));
    socket.on('close', () => fail(new Error('Application error')));
    socket.on('drain', () => this.#wake?.());
  }

  /** Throws an error whose message is for the log. */
  static open(address: MilterAddress, timeout: number): Promise<MilterConnection> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket(address);
      const timer = setTimeout(() => failed(new Error('Connection timed out')), timeout);
      const failed = (error: Error): void => {
        clearTimeout(timer);
        socket.removeAllListeners();
        socket.on('error', () => undefined);
        socket.destroy();
        reject(reasonOf(error));
      };
      socket.once('error', failed);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners();
        socket.setNoDelay(true);
        resolve(new MilterConnection(socket));
      });
    });
  }

  /** Puts a packet behind what is to be written; it goes out with the next wait, or with flush(). */
  send(letter: string, parts: readonly Buffer[] = []): void {
    const length = parts.reduce((sum, part) => sum + part.length, 1);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(length);
    head.write(letter, 4, 'latin1');
    this.#gathered.push(head, ...parts);
    this.#gatheredBytes += length + 4;
  }

  get isFull(): boolean {
    return this.#gatheredBytes > maxGatheredBytes;
  }

  /** Writes what was gathered; throws where the filter does not read it in time. */
  flush(timeout: number): Promise<void> {
    if (this.#gathered.length > 0) {
      const bytes = this.#gathered.length === 1 ? (this.#gathered[0] as Buffer) : Buffer.concat(this.#gathered);
      this.#gathered = [];
      this.#gatheredBytes = 0;
      this.#socket.write(bytes);
    }
    return this.#until(timeout, () => (this.#socket.writableNeedDrain ? undefined : true)).then(() => undefined);
  }

  async read(timeout: number): Promise<Packet> {
    await this.flush(timeout);
    return await this.#until(timeout, () => this.#takePacket());
  }

  #takePacket(): Packet | undefined {
    if (this.#receivedBytes < 5) return undefined;
    const bytes = this.#received.length === 1 ? (this.#received[0] as Buffer) : Buffer.concat(this.#received);
    this.#received = [bytes];
    const length = bytes.readUInt32BE();
    if (length < 1 || length > maxPacketBytes)
      throw new Error(`unreasonable packet length: ${length} > ${maxPacketBytes}`);
    if (bytes.length < length + 4) return undefined;
    const rest = bytes.subarray(length + 4);
    this.#received = rest.length === 0 ? [] : [rest];
    this.#receivedBytes = rest.length;
    if (this.#socket.isPaused()) this.#socket.resume();
    return { letter: bytes.toString('latin1', 4, 5), data: bytes.subarray(5, length + 4) };
  }

  /** One time for all of it: a filter that sends an octet now and then is late too. */
  async #until<Result>(timeout: number, look: () => Result | undefined): Promise<Result> {
    let isLate = false;
    let timer: NodeJS.Timeout | undefined;
    try {
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        if (this.#failure !== undefined) throw this.#failure;
        if (isLate) throw new Error('Connection timed out');
        timer ??= setTimeout(() => {
          isLate = true;
          this.#wake?.();
        }, timeout);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
      this.#wake = undefined;
    }
  }

  /** With `farewell`, what was gathered still goes out. */
  close(farewell = false): void {
    if (farewell && this.#failure === undefined) {
      const bytes = Buffer.concat(this.#gathered);
      this.#socket.end(bytes);
      // A filter that does not close its side must not keep the socket.
      this.#socket.setTimeout(10_000, () => this.#socket.destroy());
      this.#socket.resume();
    } else {
      this.#socket.destroy();
    }
    this.#gathered = [];
    this.#failure ??= new Error('Application error');
    this.#wake?.();
  }
}
