// Who is told what became of a message: failure notices, delay warnings, success reports (bounce/ has their words). A
// notice is a message of its own with the null sender; it is made here as one AcceptOperation, so that it comes into
// being in the same transaction that records the outcome it reports. It is routed as any mail: a local sender
// finds it in the mailbox at once. Mail from the null sender never causes one (RFC 5321 §6.1).

import { headerLength } from '../bounce/header-end.ts';
import { composeNotice, type NoticeRecipient, noticeMessageId } from '../bounce/notice.ts';
import { type NoticeKind, wantsNotice } from '../bounce/wishes.ts';
import type { Clock } from '../lib/clock.ts';
import type { AcceptOperation, Mailstore, QueueMessage, QueueRecipient } from '../mailstore/types.ts';
import { type AcceptedOptions, announceAccepted } from './accepted.ts';
import type { RecipientOutcome } from './delivery-agent.ts';
import { finalRecipients } from './duplicates.ts';
import { type Mailboxes, type Plan, Planner, queueEntry } from './plan.ts';
import type { RouteRecipient } from './submit.ts';

/** For messages that the queue itself makes. */
export interface OwnMailOptions extends AcceptedOptions {
  readonly store: Mailstore;
  readonly clock: Clock;
  readonly mailboxes: Mailboxes;
  readonly route: RouteRecipient;
  newQueueId(): string;
  /** myhostname, mail_name. */
  readonly hostname: string;
  readonly mailName: string;
}

export interface NoticeOptions extends OwnMailOptions {
  /** bounce_size_limit: a longer message comes back as its header only. */
  readonly returnSizeLimit: number;
  readonly delayWarningSeconds: number;
  readonly lifetimeSeconds: number;
}

export interface Concerned {
  readonly recipient: QueueRecipient;
  readonly outcome: RecipientOutcome;
}

export interface PreparedNotice {
  readonly operation: AcceptOperation;
  /** To be called when the transaction is durable. */
  committed(): void;
}

const logWords: Readonly<Record<NoticeKind, string>> = {
  failure: 'sender non-delivery notification',
  delay: 'sender delay notification',
  success: 'sender delivery status notification',
};
const actions = { failure: 'failed', delay: 'delayed', success: 'delivered' } as const;
/** A longer header is cut: it is given back as information only (header_size_limit). */
const maxHeaderBytes = 102_400;

export class Notices {
  readonly #options: NoticeOptions;
  readonly #planner: Planner;

  constructor(options: NoticeOptions) {
    this.#options = options;
    this.#planner = new Planner(options.transports, options.mailboxes, options.store);
  }

  /** Undefined where nobody wants or may get this notice. Throws TemporaryError or StoreFullError. */
  async prepare(
    kind: NoticeKind,
    message: QueueMessage,
    concerned: readonly Concerned[],
  ): Promise<PreparedNotice | undefined> {
    const wanted = concerned.filter(({ recipient }) => wantsNotice(recipient.notify, kind));
    if (wanted.length === 0) return undefined;
    const { log, syslogName, store, clock } = this.#options;
    if (message.sender === '') {
      if (kind === 'failure') {
        log.write(`${syslogName}/bounce`, 'info', `${message.id}: undeliverable notification discarded`);
      }
      return undefined;
    }
    const deliveries = await this.#options.route(message.sender, '', 'internal');
    const queueId = this.#options.newQueueId();
    const now = clock.now();
    const writer = store.contentWriter();
    await writer.write(await this.#compose(kind, queueId, now, message, wanted));
    const content = await writer.finish();
    const recipient = { original: message.sender, notify: '', orcpt: '', deliveries };
    const finals = finalRecipients([recipient], true);
    const plan = await this.#planner.plan({ sender: '', size: content.size, arrival: now }, finals);
    const { smtputf8, eightBit } = message;
    const entry = { id: queueId, size: content.size, sender: '', arrival: now, ret: '', envid: '', smtputf8, eightBit };
    const operation = { content, deliveries: plan.copies, ...queueEntry(entry, plan.queued, now) };
    const { hostname } = this.#options;
    log.write(`${syslogName}/cleanup`, 'info', `${queueId}: message-id=${noticeMessageId({ now, queueId, hostname })}`);
    return {
      operation,
      committed: () => this.#committed(kind, message.id, queueId, content.size, finals.length, plan),
    };
  }

  async #compose(
    kind: NoticeKind,
    queueId: string,
    now: number,
    message: QueueMessage,
    concerned: readonly Concerned[],
  ): Promise<Buffer> {
    const { hostname, mailName, delayWarningSeconds, lifetimeSeconds, returnSizeLimit } = this.#options;
    const { id, sender, arrival, envid, smtputf8 } = message;
    const headersOnly = kind !== 'failure' || message.ret === 'HDRS' || message.size > returnSizeLimit;
    return composeNotice({
      kind,
      queueId,
      now,
      hostname,
      mailName,
      delayWarningSeconds,
      lifetimeSeconds,
      about: { queueId: id, sender, arrival, envid, smtputf8 },
      recipients: concerned.map((each) => noticeRecipient(kind, each)),
      returned: { headersOnly, content: await this.#returned(message.content, headersOnly) },
    });
  }

  async #returned(id: number, headersOnly: boolean): Promise<Uint8Array> {
    const content = this.#options.store.openContent(id);
    try {
      if (!headersOnly) return await content.readAll();
      const start = await content.read(0, Math.min(content.size, maxHeaderBytes));
      return start.subarray(0, headerLength(start));
    } finally {
      await content.close();
    }
  }

  #committed(kind: NoticeKind, about: string, queueId: string, size: number, recipients: number, plan: Plan): void {
    const { log, syslogName } = this.#options;
    log.write(`${syslogName}/bounce`, 'info', `${about}: ${logWords[kind]}: ${queueId}`);
    announceAccepted(this.#options, { queueId, sender: '', size, recipients }, plan);
  }
}

function noticeRecipient(kind: NoticeKind, { recipient, outcome }: Concerned): NoticeRecipient {
  const { status, reason, remoteMta, diagnostic, relay } = outcome;
  return {
    recipient: recipient.recipient,
    original: recipient.original,
    orcpt: recipient.orcpt,
    action: kind === 'success' && outcome.relayed ? 'relayed' : actions[kind],
    status,
    reason: kind === 'success' ? `delivery via ${relay ?? recipient.transport}: ${reason}` : reason,
    ...(remoteMta === undefined ? {} : { remoteMta }),
    ...(diagnostic === undefined ? {} : { diagnostic }),
  };
}
