// What goes to a client: gathered while a command runs, written in large pieces, and held back where the client
// does not take it. Commands that produce much wait in ready(); nothing grows without bound.

import type { Writable } from 'node:stream';
import { ConnectionEndedError } from './refusal.ts';

/** Gathered before it is handed to the socket. */
const gatherBytes = 32 * 1024;
/** Handed to the socket and not taken by the client. */
const maxWaitingBytes = 256 * 1024;
/** Pieces of this size and more go to the socket as they are, without a copy. */
const largePieceBytes = 8 * 1024;

export class ConnectionOutput {
  #target: Writable | undefined;
  #pieces: (string | Uint8Array)[] = [];
  #gathered = 0;
  #hasEnded = false;
  #isBlocked = false;
  #wake: (() => void) | undefined;
  /** Octets sent so far, for the log. */
  sent = 0;
  readonly #onDrain = (): void => {
    this.#isBlocked = false;
    this.#wake?.();
  };

  attach(target: Writable): void {
    this.#target?.off('drain', this.#onDrain);
    this.#target = target;
    target.on('drain', this.#onDrain);
  }

  end(): void {
    this.#hasEnded = true;
    this.#pieces = [];
    this.#gathered = 0;
    this.#wake?.();
  }

  /** The client has not taken what was written last. */
  get isBlocked(): boolean {
    return this.#isBlocked && !this.#hasEnded;
  }

  /** A response line; `text` has a character an octet. */
  line(text: string): void {
    this.text(`${text}\r\n`);
  }

  text(text: string): void {
    if (this.#hasEnded) return;
    this.#pieces.push(text);
    this.#gathered += text.length;
    if (this.#gathered >= gatherBytes) this.flush();
  }

  /** The octets must not change afterwards. */
  bytes(bytes: Uint8Array): void {
    if (this.#hasEnded) return;
    if (bytes.length >= largePieceBytes) {
      this.flush();
      this.#write(bytes);
      return;
    }
    this.#pieces.push(bytes);
    this.#gathered += bytes.length;
    if (this.#gathered >= gatherBytes) this.flush();
  }

  /** Hands what is gathered to the socket. */
  flush(): void {
    if (this.#gathered === 0) return;
    const whole = Buffer.allocUnsafe(this.#gathered);
    let at = 0;
    for (const piece of this.#pieces) {
      if (typeof piece === 'string') at += whole.write(piece, at, 'latin1');
      else {
        whole.set(piece, at);
        at += piece.length;
      }
    }
    this.#pieces = [];
    this.#gathered = 0;
    this.#write(whole);
  }

  /** Waits until the client has taken most of what was written. Throws ConnectionEndedError where it is gone. */
  async ready(): Promise<void> {
    while (this.#isFull()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#hasEnded) throw new ConnectionEndedError('connection closed');
  }

  #isFull(): boolean {
    return !this.#hasEnded && this.#isBlocked && (this.#target?.writableLength ?? 0) > maxWaitingBytes;
  }

  #write(bytes: Uint8Array): void {
    const target = this.#target;
    if (target === undefined || this.#hasEnded || !target.writable) return;
    this.sent += bytes.length;
    if (!target.write(bytes)) this.#isBlocked = true;
  }
}
