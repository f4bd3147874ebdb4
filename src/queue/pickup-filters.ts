// What mail of the sendmail command passes: milters (non_smtpd_milters) before it is queued, a content filter behind the
// queue. A message that milters refuse for good goes back to its sender, one that they put off stays in the maildrop folder.

import { TemporaryError } from '../lib/temporary-error.ts';
import type { ContentWriter, Mailstore } from '../mailstore/types.ts';
import { replyText, statusText, type SmtpReply } from '../smtp/reply.ts';
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
}

export interface PassingMessage {
  readonly queueId: string;
  readonly sender: string;
  readonly recipients: readonly SubmittedRecipient[];
  /** Everything has been written to it. */
  readonly writer: ContentWriter;
}

/** What filters have made of a submission; what is absent is as it was. */
export type Passed = Pick<Submission, 'recipients'> &
  Partial<Pick<Submission, 'sender' | 'ret' | 'envid' | 'content' | 'recipientOrders' | 'filter' | 'hold'>>;

export class PickupFilters {
  readonly #options: PickupFilterOptions;

  constructor(options: PickupFilterOptions) {
    this.#options = options;
  }

  /** Throws TemporaryError or StoreFullError. */
  async pass(message: PassingMessage): Promise<Passed | 'discarded'> {
    const { recipients, writer } = message;
    const verdict = await this.#inspect(message);
    switch (verdict?.kind) {
      case undefined:
        return { recipients, ...through(this.#options.contentFilter()) };
      case 'refused':
        if (verdict.reply.code < 500) throw new TemporaryError(replyText(verdict.reply));
        return { recipients: bounced(recipients, verdict.reply) };
      case 'discarded':
        await writer.abort();
        this.#options.queue.recordDiscarded(recipients);
        return 'discarded';
      case 'accepted':
        return await this.#accepted(message, verdict);
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
    return { recipients, recipientOrders, ...through(filter ?? this.#options.contentFilter()), ...common };
  }
}

function through(filter: string): { filter?: string } {
  return filter === '' ? {} : { filter };
}

function bounced(recipients: readonly SubmittedRecipient[], refusal: SmtpReply): SubmittedRecipient[] {
  const nexthop = statusText(refusal).replaceAll('\n', ' ');
  return recipients.map((recipient) => {
    const { original } = recipient;
    return { ...recipient, deliveries: [{ recipient: original, original, transport: 'error', nexthop }] };
  });
}
