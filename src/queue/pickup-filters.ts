// What mail of the sendmail command passes: milters (non_smtpd_milters) before it is queued, a content filter behind the
// queue. A message that milters refuse for good goes back to its sender, one that they put off stays in the maildrop folder.

import { TemporaryError } from '../lib/temporary-error.ts';
import type { ContentWriter, Mailstore } from '../mailstore/types.ts';
import { replyText, statusText, type SmtpReply } from '../smtp/reply.ts';
import { type BeginContentCheck, CheckedWriter, type ContentOrders } from './content-check.ts';
import type { LocalFilters, LocalVerdict } from './local-filters.ts';
import type { RouteRecipient } from './submit.ts';
import type { MailQueue, Submission, SubmittedRecipient } from './types.ts';

export interface PickupFilterOptions {
  readonly store: Pick<Mailstore, 'contentWriter'>;
  readonly queue: Pick<MailQueue, 'recordDiscarded'>;
  readonly route: RouteRecipient;
  /** The newest of each. */
  readonly milters: () => LocalFilters;
  readonly contentFilter: () => string;
  readonly beginContentCheck?: BeginContentCheck;
}

export interface PassingMessage {
  readonly queueId: string;
  readonly sender: string;
  readonly recipients: readonly SubmittedRecipient[];
  /** Everything has been written to it. */
  readonly writer: ContentWriter;
  /** What header and body checks have come to. */
  readonly checked: Awaited<ReturnType<CheckedWriter['finish']>>;
}

/** What filters have made of a submission; what is absent is as it was. */
export type Passed = Pick<Submission, 'recipients'> &
  Partial<Pick<Submission, 'sender' | 'ret' | 'envid' | 'content' | 'recipientOrders' | 'filter' | 'hold'>>;

export class PickupFilters {
  readonly #options: PickupFilterOptions;

  constructor(options: PickupFilterOptions) {
    this.#options = options;
  }

  /** What writes a message to `writer`, by way of header and body checks. */
  writer(
    writer: ContentWriter,
    queueId: string,
    sender: string,
    recipients: readonly SubmittedRecipient[],
  ): CheckedWriter {
    const logged = `from local; from=<${sender}> to=<${recipients[0]?.original ?? ''}>`;
    return new CheckedWriter(writer, this.#options.beginContentCheck, { queueId, logged });
  }

  /** Throws TemporaryError or StoreFullError. */
  async pass(message: PassingMessage): Promise<Passed | 'discarded'> {
    const { checked, recipients } = message;
    if (checked?.refusal !== undefined) return { recipients: bounced(recipients, checked.refusal) };
    if (checked?.isDiscarded) return await this.#discard(message);
    const passed = await this.#filter(message);
    if (passed === 'discarded' || passed.isEnd) return passed === 'discarded' ? passed : passed.passed;
    // What milters have ordered counts more: they have seen the message later.
    const filter = passed.passed.filter ?? checked?.filter ?? this.#options.contentFilter();
    const held = checked?.isHeld ? { ...passed.passed, hold: true } : passed.passed;
    return await this.#ordered(message, checked, { ...held, ...(filter === '' ? {} : { filter }) });
  }

  /** REDIRECT goes to one address, without aliases and filters; BCC is told of no failure. */
  async #ordered(
    { sender, recipients: given }: PassingMessage,
    orders: ContentOrders | undefined,
    passed: Passed,
  ): Promise<Passed> {
    const [first] = given;
    if (orders?.redirect !== undefined && first !== undefined) {
      const deliveries = await this.#options.route(orders.redirect, sender, 'unmapped');
      const { recipientOrders: _, filter: __, ...rest } = passed;
      return { ...rest, recipients: [{ ...first, deliveries }] };
    }
    const copies: SubmittedRecipient[] = [];
    for (const address of new Set(orders?.bcc)) {
      const deliveries = await this.#options.route(address, sender, 'external');
      copies.push({ original: address, notify: 'NEVER', orcpt: '', deliveries });
    }
    return copies.length === 0 ? passed : { ...passed, recipients: [...passed.recipients, ...copies] };
  }

  async #discard({ recipients, writer }: PassingMessage): Promise<'discarded'> {
    await writer.abort();
    this.#options.queue.recordDiscarded(recipients);
    return 'discarded';
  }

  /** `isEnd`: refused or redirected, nothing else counts any more. */
  async #filter(message: PassingMessage): Promise<{ readonly passed: Passed; readonly isEnd: boolean } | 'discarded'> {
    const { recipients } = message;
    const verdict = await this.#inspect(message);
    switch (verdict?.kind) {
      case undefined:
        return { passed: { recipients }, isEnd: false };
      case 'refused':
        if (verdict.reply.code < 500) throw new TemporaryError(replyText(verdict.reply));
        return { passed: { recipients: bounced(recipients, verdict.reply) }, isEnd: true };
      case 'discarded':
        return await this.#discard(message);
      case 'accepted':
        return { passed: await this.#accepted(message, verdict), isEnd: verdict.redirect !== undefined };
    }
  }

  async #inspect({ queueId, sender, recipients, writer }: PassingMessage): Promise<LocalVerdict | undefined> {
    const milters = this.#options.milters();
    if (milters.isEmpty) return undefined;
    const newWriter = () => this.#options.store.contentWriter();
    const addresses = recipients.map(({ original }) => original);
    return await milters.inspect({ queueId, sender, recipients: addresses, writer, newWriter });
  }

  async #accepted(
    { sender: given, recipients, writer }: PassingMessage,
    { content, envelope, filter, redirect, isHeld }: LocalVerdict & { readonly kind: 'accepted' },
  ): Promise<Passed> {
    if (content !== undefined) await writer.abort();
    const { sender, ret, envid, recipients: recipientOrders } = envelope;
    const common = {
      ...(content === undefined ? {} : { content }),
      ...(sender === undefined ? {} : { sender }),
      ...(ret === undefined ? {} : { ret }),
      ...(envid === undefined ? {} : { envid }),
      ...(isHeld ? { hold: true } : {}),
    };
    const [first] = recipients;
    if (redirect !== undefined && first !== undefined) {
      const deliveries = await this.#options.route(redirect, given, 'unmapped');
      return { recipients: [{ ...first, deliveries }], ...common };
    }
    return { recipients, recipientOrders, ...(filter === undefined ? {} : { filter }), ...common };
  }
}

function bounced(recipients: readonly SubmittedRecipient[], refusal: SmtpReply): SubmittedRecipient[] {
  const nexthop = statusText(refusal).replaceAll('\n', ' ');
  return recipients.map((recipient) => {
    const { original } = recipient;
    return { ...recipient, deliveries: [{ recipient: original, original, transport: 'error', nexthop }] };
  });
}
