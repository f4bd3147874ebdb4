// What a client has sent and nobody has read yet: lines and counted octets, on demand. The socket is paused
// while more than a little is waiting, so a client that pipelines without end fills its own buffers, not ours.

import type { Readable } from 'node:stream';
import { ConnectionEndedError } from './refusal.ts';

const lineFeed = 10;
const carriageReturn = 13;
const pauseBytes = 64 * 1024;

/** A line is longer than allowed; its rest cannot be told from commands, so the connection must end. */
export class LineTooLongError extends Error {
  override name = 'LineTooLongError';
}

export class ConnectionInput {
  #source: Readable | undefined;
  #chunks: Buffer[] = [];
  #length = 0;
  #hasEnded = false;
  #isPaused = false;
  #wake: (() => void) | undefined;
  /** Octets received so far, for the log. */
  received = 0;
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);

  /** Reads from `source` from now on: the socket, or after STARTTLS the encrypted one. */
  attach(source: Readable): void {
    this.#source = source;
    source.on('data', this.#onData);
  }

  /** Stops reading and forgets what is buffered: octets sent before a TLS handshake must not count after it. */
  detach(): void {
    this.#source?.off('data', this.#onData);
    this.#source?.pause();
    this.#source = undefined;
    this.#chunks = [];
    this.#length = 0;
    this.#isPaused = false;
  }

  /** No more will come; whoever waits gets ConnectionEndedError once the rest is read. */
  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  /** The next line without its line end. A bare LF ends a line too, as many scripts send it. */
  async readLine(maxLength: number): Promise<Buffer> {
    let searched = 0;
    let index = 0;
    for (;;) {
      for (; index < this.#chunks.length; index++) {
        const chunk = this.#chunks[index] as Buffer;
        const at = chunk.indexOf(lineFeed);
        if (at !== -1) return this.#line(searched + at, maxLength);
        searched += chunk.length;
      }
      if (searched > maxLength) throw new LineTooLongError('line too long');
      await this.#more();
    }
  }

  /** Exactly `size` octets; for literals that are kept in memory. */
  async read(size: number): Promise<Buffer> {
    while (this.#length < size) await this.#more();
    return this.#shift(size);
  }

  /** Passes `size` octets on as they come; waits where `consume` gives a promise. */
  async stream(size: number, consume: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
    let left = size;
    while (left > 0) {
      if (this.#length === 0) await this.#more();
      const chunk = this.#shift(Math.min(left, this.#chunks[0]?.length ?? 0));
      left -= chunk.length;
      const waiting = consume(chunk);
      if (waiting !== undefined) await waiting;
    }
  }

  #line(length: number, maxLength: number): Buffer {
    if (length > maxLength) throw new LineTooLongError('line too long');
    const line = this.#shift(length + 1);
    const end = length > 0 && line[length - 1] === carriageReturn ? length - 1 : length;
    return line.subarray(0, end);
  }

  #take(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    this.received += chunk.length;
    if (this.#length >= pauseBytes && this.#wake === undefined) {
      this.#isPaused = true;
      this.#source?.pause();
    }
    this.#wake?.();
  }

  async #more(): Promise<void> {
    if (this.#hasEnded) throw new ConnectionEndedError('connection closed');
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#source?.resume();
    }
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  #shift(size: number): Buffer {
    const first = this.#chunks[0];
    this.#length -= size;
    if (first === undefined || size === 0) return Buffer.alloc(0);
    if (size < first.length) {
      this.#chunks[0] = first.subarray(size);
      return first.subarray(0, size);
    }
    if (size === first.length) return this.#chunks.shift() as Buffer;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = size < all.length ? [all.subarray(size)] : [];
    return all.subarray(0, size);
  }
}
