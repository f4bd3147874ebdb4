// Takes the octets of one message, from DATA or BDAT: puts our Received: field first, filters the header, hands
// the rest to the store as it arrives, and keeps count of what may make us refuse the message at its end. After
// the first reason to refuse it keeps no octet of it.

import type { MessageCheck } from '../access/content-checks.ts';
import type { Content, ContentReader, ContentWriter } from '../mailstore/types.ts';
import type { FieldRewriter } from '../routing/header-rewriting.ts';
import { hostReplies, replies, type SmtpReply } from '../smtp/reply.ts';
import { HeaderFilter, type HeaderSummary } from './header-filter.ts';
import type { ServiceOptions } from './options.ts';

export interface MessageReceiverOptions {
  readonly service: ServiceOptions;
  readonly writer: ContentWriter;
  /** Our own trace header, in CRLF lines. */
  readonly received: string;
  readonly onHeaderEnd: (seen: HeaderSummary) => string;
  /** header_checks and its kin: is given where what it lets pass goes. Absent: nothing is asked. */
  readonly beginCheck?: ((emit: (octets: Buffer) => void) => MessageCheck) | undefined;
  /** For messages whose header addresses are rewritten. */
  readonly rewriter?: FieldRewriter | undefined;
}

export class MessageReceiver {
  readonly #options: MessageReceiverOptions;
  readonly #filter: HeaderFilter;
  #size = 0;
  #waiting: Promise<void> | undefined;
  #isDiscarding = false;
  #failure: unknown;
  readonly #check: MessageCheck | undefined;
  #isOwn = true;

  constructor(options: MessageReceiverOptions) {
    this.#options = options;
    this.#check = options.beginCheck?.((octets) => this.#passOn(octets));
    this.#filter = new HeaderFilter({
      emit: (slice) => this.#store(slice),
      droppedHeaders: options.service.droppedHeaders,
      maxLineLength: options.service.headerSizeLimit,
      onHeaderEnd: options.onHeaderEnd,
      rewriter: options.rewriter,
      onFailure: (error) => this.#fail(error),
    });
    this.#putReceived(Buffer.from(options.received, 'utf8'));
  }

  /** Our own fields are looked at as all others (cleanup(8)), and neither dropped nor counted. */
  #putReceived(received: Buffer): void {
    if (this.#check === undefined) {
      this.#store(received);
      return;
    }
    this.#check.write(received);
    this.#check.end();
    this.#check.mark(() => {
      this.#isOwn = false;
    });
    this.#wait(this.#check.waiting);
  }

  #passOn(octets: Buffer): void {
    if (this.#isDiscarding) return;
    if (this.#isOwn) {
      this.#store(octets);
      return;
    }
    this.#filter.write(octets);
    this.#wait(this.#filter.waiting);
  }

  /** Everything has been looked at; the refusal that comes of it, if any. */
  async settle(): Promise<SmtpReply | undefined> {
    this.#check?.end();
    await this.#check?.waiting;
    return this.#check?.refusal;
  }

  /** Octets of the message as the client sent it, stuffed dots not counted. */
  get size(): number {
    return this.#size;
  }

  /** A promise while the store wants us to wait. Taken once: the caller awaits it. */
  takeWaiting(): Promise<void> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  write(slice: Buffer): void {
    this.#size += slice.length;
    if (this.#isDiscarding) return;
    const limit = this.#options.service.messageSizeLimit;
    if (limit > 0 && this.#size > limit) this.discard();
    else if (this.#check !== undefined) {
      this.#check.write(slice);
      this.#wait(this.#check.waiting);
    } else {
      this.#filter.write(slice);
      this.#wait(this.#filter.waiting);
    }
  }

  /** Keeps nothing of this message any more, though its end is still read. */
  discard(): void {
    if (this.#isDiscarding) return;
    this.#isDiscarding = true;
    void this.#options.writer.abort().catch(() => undefined);
  }

  /** Why the message must be refused, or undefined. `bareLineFeeds` as the reader counted them. */
  refusal(bareLineFeeds: number): SmtpReply | undefined {
    const { service } = this.#options;
    if (service.messageSizeLimit > 0 && this.#size > service.messageSizeLimit) return replies.messageTooBig;
    if (bareLineFeeds > 0 && service.bareLineFeed === 'reject') {
      return hostReplies.bareLineFeed(service.hostname, service.bareLineFeedCode);
    }
    if (this.#filter.receivedCount + 1 >= service.hopcountLimit) return replies.tooManyHops;
    return undefined;
  }

  /** Durable when it resolves. */
  async finish(): Promise<Content> {
    await this.#end();
    return this.#options.writer.finish();
  }

  /** For filters: the whole message, not yet durable. */
  async reread(): Promise<ContentReader> {
    await this.#end();
    return this.#options.writer.reread();
  }

  async #end(): Promise<void> {
    this.#filter.finish();
    await this.#filter.waiting;
    await this.takeWaiting();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #store(slice: Buffer): void {
    if (this.#isDiscarding || slice.length === 0) return;
    this.#wait(this.#options.writer.write(slice)?.catch((error: unknown) => this.#fail(error)));
  }

  /** A full disk, or a header that cannot be rewritten, is told at the end of the message; till then it is read away. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    this.discard();
  }

  #wait(settled: Promise<void> | undefined): void {
    if (settled === undefined) return;
    this.#waiting = this.#waiting === undefined ? settled : Promise.all([this.#waiting, settled]).then(() => undefined);
  }
}
