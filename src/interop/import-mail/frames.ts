// What travels between a command that imports and the server that writes: frames of a length (4 octets), a kind (1) and
// the bytes, over a unix socket of the data folder that only its owner may open.
//
//   R {"id", "op", ...}    a question          A {"id", "value" | "error"}    its answer
//   M {"id", "message"}  a message begins, D bytes of it, E {"sha256"} its end, or X: it could not be read after all

import path from 'node:path';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

export type FrameKind = 'R' | 'A' | 'M' | 'D' | 'E' | 'X';

export interface Frame {
  readonly kind: FrameKind;
  readonly bytes: Buffer;
}

const headBytes = 5;
export const maxFrameBytes = 1024 * 1024;

/** Beside the control socket, whose folder has a short name. */
export function importSocketPath(controlSocketPath: string): string {
  return path.join(path.dirname(controlSocketPath), 'import');
}

export function printFrame(kind: FrameKind, bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + bytes.length);
  frame.writeUInt32BE(bytes.length, 0);
  frame.write(kind, 4, 'latin1');
  frame.set(bytes, headBytes);
  return frame;
}

export function printJsonFrame(kind: FrameKind, value: object): Buffer {
  return printFrame(kind, Buffer.from(JSON.stringify(value)));
}

export function parseJson(bytes: Buffer): unknown {
  return JSON.parse(new StringDecoder('utf8').end(bytes));
}

/** The frames of a stream; `onIdle` is called when the next one has not come yet. Ends with the stream. */
export class FrameReader {
  readonly #stream: AsyncIterator<Buffer>;
  readonly #onIdle: () => void;
  #held: Buffer = Buffer.alloc(0);

  constructor(stream: Readable, onIdle: () => void = () => undefined) {
    this.#stream = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#onIdle = onIdle;
  }

  /** Undefined at the end of the stream. */
  async next(): Promise<Frame | undefined> {
    if (!(await this.#fill(headBytes))) return undefined;
    const length = this.#held.readUInt32BE(0);
    if (length > maxFrameBytes) throw new Error(`a frame of ${length} octets`);
    const kind = this.#held.toString('latin1', 4, headBytes) as FrameKind;
    if (!(await this.#fill(headBytes + length))) return undefined;
    const bytes = this.#held.subarray(headBytes, headBytes + length);
    this.#held = this.#held.subarray(headBytes + length);
    return { kind, bytes };
  }

  async #fill(length: number): Promise<boolean> {
    if (this.#held.length >= length) return true;
    const pieces = [this.#held];
    for (let have = this.#held.length; have < length; ) {
      const piece = await this.#more();
      if (piece === undefined) return false;
      pieces.push(piece);
      have += piece.length;
    }
    this.#held = Buffer.concat(pieces);
    return true;
  }

  async #more(): Promise<Buffer | undefined> {
    const coming = this.#stream.next();
    const idle = setImmediate(this.#onIdle);
    const { value, done } = await coming;
    clearImmediate(idle);
    return done === true ? undefined : value;
  }
}
