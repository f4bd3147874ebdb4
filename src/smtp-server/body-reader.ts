// What takes octets from the session in place of command lines: a message after DATA, or one BDAT chunk.

import type { SmtpReply } from '../smtp/reply.ts';

export interface BodyReader {
  /** Takes octets of `chunk` from `from`; returns the place just behind what it took. */
  read(chunk: Buffer, from: number): number;
  /** Everything that belongs to it has been taken. */
  readonly isComplete: boolean;
  /** A promise while the store wants us to wait before the next read. */
  takeWaiting(): Promise<void> | undefined;
  /** Called once when complete; gives the replies, one or (LMTP) one for each recipient. */
  finish(): Promise<readonly SmtpReply[]>;
  /** The connection is lost: forgets what was read. */
  abort(): void;
}

/** Takes all BDAT chunks of a transaction. */
export interface ChunkReader extends BodyReader {
  /** Octets of all chunks so far. */
  readonly size: number;
  /** Begins the next chunk. A `refusal` is what this chunk gets when it has been read away. */
  begin(size: number, isLast: boolean, refusal?: SmtpReply): void;
}
