// Messages that the mail system writes itself (notices, transcripts): made as one AcceptOperation, so that one comes into
// being in the same transaction that records what it reports, and routed as any mail, without blind copies.

import type { Clock } from '../lib/clock.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { AcceptOperation, Content, ContentWriter, Mailstore } from '../mailstore/types.ts';
import type { Delivery } from '../routing/types.ts';
import { type AcceptedOptions, announceAccepted } from './accepted.ts';
import { finalRecipients } from './duplicates.ts';
import type { LocalFilters } from './local-filters.ts';
import { type Mailboxes, Planner, queueEntry } from './plan.ts';
import { replyText } from '../smtp/reply.ts';
import type { RouteRecipient } from './submit.ts';

/** For messages that the queue itself makes. */
export interface OwnMailOptions extends AcceptedOptions {
  readonly store: Mailstore;
  readonly clock: Clock;
  readonly mailboxes: Mailboxes;
  readonly route: RouteRecipient;
  newQueueId(): string;
  /** non_smtpd_milters, where internal_mail_filter_classes names this kind of mail. */
  readonly filters?: (kind: InternalMail) => LocalFilters | undefined;
  /** myhostname, mail_name. */
  readonly hostname: string;
  readonly mailName: string;
}

/** As internal_mail_filter_classes calls them: notices of deliveries, and notes to the postmaster about sessions. */
export type InternalMail = 'bounce' | 'notify';

export interface OwnMessage {
  readonly kind: InternalMail;
  readonly sender: string;
  /** In standard form. */
  readonly recipient: string;
  readonly smtputf8: boolean;
  readonly eightBit: boolean;
  readonly compose: (queueId: string, now: number) => Buffer;
}

export interface PreparedMessage {
  readonly queueId: string;
  readonly operation: AcceptOperation;
  /** To be called when the transaction is durable. */
  committed(): void;
}

export class OwnMail {
  readonly #options: OwnMailOptions;
  readonly #planner: Planner;

  constructor(options: OwnMailOptions) {
    this.#options = options;
    this.#planner = new Planner(options.transports, options.mailboxes, options.store);
  }

  /** Throws TemporaryError or StoreFullError. */
  async prepare(message: OwnMessage): Promise<PreparedMessage> {
    const { sender, recipient, smtputf8, eightBit, compose } = message;
    const { store, clock, log, syslogName, hostname } = this.#options;
    const routed = await this.#options.route(recipient, sender, 'internal');
    const queueId = this.#options.newQueueId();
    const now = clock.now();
    const writer = store.contentWriter();
    await writer.write(compose(queueId, now));
    const { content, deliveries, hold } = await this.#filtered(message, queueId, writer, routed);
    const finals = finalRecipients([{ original: recipient, notify: '', orcpt: '', deliveries }], true);
    const planned = await this.#planner.plan({ sender, size: content.size, arrival: now }, finals);
    const plan = hold ? { ...planned, copies: [], delivered: [], queued: finals } : planned;
    const entry = { id: queueId, size: content.size, sender, arrival: now, ret: '', envid: '', smtputf8, eightBit };
    log.write(`${syslogName}/cleanup`, 'info', `${queueId}: message-id=${ownMessageId({ now, queueId, hostname })}`);
    const accepted = { queueId, sender, size: content.size, recipients: finals.length };
    return {
      queueId,
      operation: { content, deliveries: plan.copies, ...queueEntry(entry, plan.queued, now, hold) },
      committed: () => announceAccepted(this.#options, accepted, plan),
    };
  }

  /**
   * Recipients are not for filters to change here: what the mail system says goes to whom it says it. A filter that refuses
   * puts off the outcome that is reported, as in Postfix.
   */
  async #filtered(
    { kind, sender, recipient }: OwnMessage,
    queueId: string,
    writer: ContentWriter,
    deliveries: readonly Delivery[],
  ): Promise<{ content: Content; deliveries: readonly Delivery[]; hold: boolean }> {
    const filters = this.#options.filters?.(kind);
    if (filters === undefined) return { content: await writer.finish(), deliveries, hold: false };
    const newWriter = () => this.#options.store.contentWriter();
    const verdict = await filters.inspect({ queueId, sender, recipients: [recipient], writer, newWriter });
    if (verdict.kind === 'refused') {
      await writer.abort();
      throw new TemporaryError(`${queueId}: a milter refuses the notice: ${replyText(verdict.reply)}`);
    }
    if (verdict.kind === 'accepted') {
      const { content, isHeld } = verdict;
      if (content !== undefined) await writer.abort();
      return { content: content ?? (await writer.finish()), deliveries, hold: isHeld };
    }
    const discarded = { recipient, original: recipient, transport: 'discard', nexthop: 'by a milter' };
    return { content: await writer.finish(), deliveries: [discarded], hold: false };
  }
}

interface MessageName {
  readonly now: number;
  readonly queueId: string;
  readonly hostname: string;
}

/** `<20261121115833.QUEUEID@host>`, the time in UTC, as Postfix makes message ids. */
export function ownMessageId({ now, queueId, hostname }: MessageName): string {
  return `<${new Date(now).toISOString().replace(/\D/g, '').slice(0, 14)}.${queueId}@${hostname}>`;
}
