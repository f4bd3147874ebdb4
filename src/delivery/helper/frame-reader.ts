// Takes apart what comes to a helper (protocol.ts), however it is cut into pieces. A message's data is handed on as it comes,
// so that nothing is copied and no more of a large message is held than the pipe gives at a time; other frames when they
// are whole.

import { frameHeaderBytes, frameKinds } from './protocol.ts';

/** `payload` is the caller's again when it returns. */
export type OnFrame = (kind: number, job: number, payload: Buffer) => void;

const none = Buffer.alloc(0);

export class FrameReader {
  readonly #onFrame: OnFrame;
  /** Of a frame that has not come whole: its header's beginning, or its payload's. */
  #held: Buffer = none;
  #header: { readonly kind: number; readonly job: number } | undefined;
  /** Octets of the payload that are still to come. */
  #left = 0;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      at += this.#header === undefined ? this.#takeHeader(chunk, at) : this.#takePayload(this.#header, chunk, at);
    }
  }

  /** How much of the chunk it took. */
  #takeHeader(chunk: Buffer, at: number): number {
    const missing = frameHeaderBytes - this.#held.length;
    const part = chunk.subarray(at, at + missing);
    const header = this.#held.length === 0 ? part : Buffer.concat([this.#held, part]);
    if (header.length < frameHeaderBytes) {
      this.#held = Buffer.from(header);
      return part.length;
    }
    this.#held = none;
    this.#left = header.readUInt32BE(0);
    const [kind, job] = [header.readUInt8(4), header.readUInt32BE(5)];
    if (this.#left === 0) this.#onFrame(kind, job, none);
    else this.#header = { kind, job };
    return part.length;
  }

  #takePayload({ kind, job }: { readonly kind: number; readonly job: number }, chunk: Buffer, at: number): number {
    const part = chunk.subarray(at, at + this.#left);
    this.#left -= part.length;
    if (this.#left === 0) this.#header = undefined;
    if (kind === frameKinds.data) {
      this.#onFrame(kind, job, part);
      return part.length;
    }
    const payload = this.#held.length === 0 ? part : Buffer.concat([this.#held, part]);
    if (this.#left > 0) {
      this.#held = Buffer.from(payload);
      return part.length;
    }
    this.#held = none;
    this.#onFrame(kind, job, payload);
    return part.length;
  }
}
