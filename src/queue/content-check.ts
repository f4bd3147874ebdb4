// header_checks, body_checks and their kin at work on mail that comes in by no SMTP session. What the tables say is found out
// elsewhere (access/content-checks.ts); here it is put between the maildrop file and the store, and its orders are carried
// out when the message is submitted: nobody is there to hear a refusal, so the mail goes back to its sender (cleanup(8)).

import { TemporaryError } from '../lib/temporary-error.ts';
import type { ContentWriter } from '../mailstore/types.ts';
import { replyText, type SmtpReply } from '../smtp/reply.ts';

/** One message on its way through. */
export interface ContentCheck {
  write(octets: Buffer): void;
  end(): void;
  /** Until all that was written has gone out. */
  readonly waiting: Promise<void> | undefined;
  readonly refusal: SmtpReply | undefined;
}

/** What tables have ordered. */
export interface ContentOrders {
  readonly isHeld: boolean;
  readonly isDiscarded: boolean;
  readonly filter: string | undefined;
  readonly redirect: string | undefined;
  readonly bcc: readonly string[];
}

export interface ContentCheckFacts {
  readonly queueId: string;
  /** `from local; from=<...> to=<...>`. */
  readonly logged: string;
  emit(octets: Buffer): void;
}

/** Undefined where nothing is asked about any message. */
export type BeginContentCheck = (
  facts: ContentCheckFacts,
) => { readonly check: ContentCheck; readonly orders: ContentOrders } | undefined;

/** Writes a message to the store, by way of the checks where there are any. */
export class CheckedWriter {
  readonly #writer: ContentWriter;
  readonly #check: ContentCheck | undefined;
  readonly #orders: ContentOrders | undefined;
  #writing: Promise<void> | undefined;

  constructor(writer: ContentWriter, begin: BeginContentCheck | undefined, facts: Omit<ContentCheckFacts, 'emit'>) {
    this.#writer = writer;
    const begun = begin?.({ ...facts, emit: (octets) => this.#emit(octets) });
    this.#check = begun?.check;
    this.#orders = begun?.orders;
  }

  #emit(octets: Buffer): void {
    const written = this.#writer.write(octets);
    if (written !== undefined) this.#writing = Promise.all([this.#writing, written]).then(() => undefined);
  }

  async write(octets: Buffer): Promise<void> {
    if (this.#check === undefined) {
      await this.#writer.write(octets);
      return;
    }
    this.#check.write(octets);
    await this.#settle();
  }

  /** What has come of it; undefined: nothing was asked. Throws TemporaryError where a table cannot be asked. */
  async finish(): Promise<(ContentOrders & { readonly refusal: SmtpReply | undefined }) | undefined> {
    if (this.#check === undefined || this.#orders === undefined) return undefined;
    this.#check.end();
    await this.#settle();
    const { refusal } = this.#check;
    if (refusal !== undefined && refusal.code < 500) throw new TemporaryError(replyText(refusal));
    const { isHeld, isDiscarded, filter, redirect, bcc } = this.#orders;
    return { isHeld, isDiscarded, filter, redirect, bcc, refusal };
  }

  async #settle(): Promise<void> {
    await this.#check?.waiting;
    await this.#writing;
    this.#writing = undefined;
  }
}
