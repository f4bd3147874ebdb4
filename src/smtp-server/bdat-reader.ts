// The chunks of BDAT (RFC 3030): counted octets, no dots. One reader takes all chunks of a transaction. After an
// error the remaining chunks are read away, for the client may have sent them already, and refused.

import { replies, reply, type SmtpReply } from '../smtp/reply.ts';
import { acceptMessage } from './accept-message.ts';
import type { BodyReader, ChunkReader } from './body-reader.ts';
import type { MessageReceiver } from './message-receiver.ts';
import type { Conversation } from './conversation.ts';
import type { Transaction } from './transaction.ts';

const CR = 0x0d;
const LF = 0x0a;
const crlf = Buffer.from('\r\n');

export class BdatReader implements ChunkReader {
  readonly #session: Conversation;
  readonly #transaction: Transaction;
  readonly #receiver: MessageReceiver;
  #left = 0;
  #chunkSize = 0;
  #isLast = false;
  #refusal: SmtpReply | undefined;
  #hasFailed = false;
  #previous = 0;
  #bareLineFeeds = 0;

  constructor(session: Conversation, transaction: Transaction, receiver: MessageReceiver) {
    this.#session = session;
    this.#transaction = transaction;
    this.#receiver = receiver;
  }

  begin(size: number, isLast: boolean, refusal?: SmtpReply): void {
    this.#left = size;
    this.#chunkSize = size;
    this.#isLast = isLast;
    this.#refusal = this.#hasFailed ? reply(551, '5.0.0', `Discarded ${size} bytes after earlier error`) : refusal;
    if (this.#refusal !== undefined) this.#fail();
  }

  get size(): number {
    return this.#receiver.size;
  }

  get isComplete(): boolean {
    return this.#left === 0;
  }

  read(chunk: Buffer, from: number): number {
    const end = Math.min(chunk.length, from + this.#left);
    const slice = from === 0 && end === chunk.length ? chunk : chunk.subarray(from, end);
    this.#left -= slice.length;
    if (!this.#hasFailed && slice.length > 0) this.#take(slice);
    return end;
  }

  #take(slice: Buffer): void {
    const { rights, options } = this.#session;
    const bareLineFeed = rights.maySendBareLineFeeds ? 'normalize' : options.bareLineFeed;
    let start = 0;
    for (let at = slice.indexOf(LF); at !== -1; at = slice.indexOf(LF, at + 1)) {
      if ((at === 0 ? this.#previous : slice[at - 1]) === CR) continue;
      if (!rights.maySendBareLineFeeds) this.#bareLineFeeds++;
      if (bareLineFeed === 'normalize') {
        if (at > start) this.#receiver.write(slice.subarray(start, at));
        this.#receiver.write(crlf);
        start = at + 1;
      }
    }
    if (start < slice.length) this.#receiver.write(start === 0 ? slice : slice.subarray(start));
    this.#previous = slice[slice.length - 1] as number;
    if (this.#bareLineFeeds > 0 && bareLineFeed === 'reject') this.#receiver.discard();
  }

  takeWaiting(): Promise<void> | undefined {
    return this.#receiver.takeWaiting();
  }

  async finish(): Promise<readonly SmtpReply[]> {
    if (this.#isLast) this.#session.endTransaction();
    if (this.#refusal !== undefined) return this.#isLast ? this.#toAll(this.#refusal) : [this.#refusal];
    if (!this.#isLast) {
      const early = this.#receiver.refusal(this.#bareLineFeeds);
      if (early === undefined) return [reply(250, '2.0.0', `Ok: ${this.#chunkSize} bytes`)];
      this.#session.logReject('BDAT', early, this.#transaction);
      this.#fail();
      return [early];
    }
    if (this.#previous !== LF && this.#receiver.size > 0) this.#receiver.write(crlf);
    const okText = `Ok: ${this.#receiver.size} bytes`;
    return acceptMessage(this.#session, this.#transaction, this.#receiver, this.#bareLineFeeds, okText);
  }

  abort(): void {
    this.#receiver.discard();
  }

  #fail(): void {
    this.#hasFailed = true;
    this.#receiver.discard();
  }

  /** RFC 2033 §4.2 asks for one reply for each accepted recipient also where the message fails. */
  #toAll(refusal: SmtpReply): readonly SmtpReply[] {
    return this.#session.options.protocol === 'lmtp' ? this.#transaction.recipients.map(() => refusal) : [refusal];
  }
}

/** Reads away a chunk that came without a transaction or a valid recipient, and refuses it. */
export class RefusedChunkReader implements BodyReader {
  #left: number;
  readonly #refusal: SmtpReply;

  constructor(size: number, refusal: SmtpReply = replies.needRcpt) {
    this.#left = size;
    this.#refusal = refusal;
  }

  get isComplete(): boolean {
    return this.#left === 0;
  }

  read(chunk: Buffer, from: number): number {
    const end = Math.min(chunk.length, from + this.#left);
    this.#left -= end - from;
    return end;
  }

  takeWaiting(): undefined {
    return undefined;
  }

  async finish(): Promise<readonly SmtpReply[]> {
    return [this.#refusal];
  }

  abort(): void {
    // It holds nothing.
  }
}
