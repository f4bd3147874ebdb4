// The message that follows DATA (RFC 5321 §4.1.1.4), up to CR LF . CR LF.

import { DotReader } from '../smtp/dot-reader.ts';
import { TolerantDotReader } from '../smtp/line-feed-reader.ts';
import type { SmtpReply } from '../smtp/reply.ts';
import { acceptMessage } from './accept-message.ts';
import type { BodyReader } from './body-reader.ts';
import type { MessageReceiver } from './message-receiver.ts';
import type { Conversation } from './conversation.ts';
import type { Transaction } from './transaction.ts';

export class DataReader implements BodyReader {
  readonly #session: Conversation;
  readonly #transaction: Transaction;
  readonly #receiver: MessageReceiver;
  readonly #dots: DotReader | TolerantDotReader;
  #isComplete = false;

  constructor(session: Conversation, transaction: Transaction, receiver: MessageReceiver) {
    this.#session = session;
    this.#transaction = transaction;
    this.#receiver = receiver;
    const emit = (slice: Buffer): void => receiver.write(slice);
    this.#dots = session.rights.maySendBareLineFeeds
      ? new TolerantDotReader(emit)
      : new DotReader(emit, session.options.bareLineFeed === 'normalize');
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  read(chunk: Buffer, from: number): number {
    const end = this.#dots.read(chunk, from);
    if (this.#dots.bareLineFeeds > 0 && this.#session.options.bareLineFeed === 'reject') this.#receiver.discard();
    if (end === -1) return chunk.length;
    this.#isComplete = true;
    return end;
  }

  takeWaiting(): Promise<void> | undefined {
    return this.#receiver.takeWaiting();
  }

  async finish(): Promise<readonly SmtpReply[]> {
    this.#session.endTransaction();
    return await acceptMessage(this.#session, this.#transaction, this.#receiver, this.#dots.bareLineFeeds, 'Ok:');
  }

  abort(): void {
    this.#receiver.discard();
  }
}
