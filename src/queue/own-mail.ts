// Messages that the mail system writes itself (notices, transcripts): made as one AcceptOperation, so that one comes into
// being in the same transaction that records what it reports, and routed as any mail, without blind copies.

import type { Clock } from '../lib/clock.ts';
import type { AcceptOperation, Mailstore } from '../mailstore/types.ts';
import { type AcceptedOptions, announceAccepted } from './accepted.ts';
import { finalRecipients } from './duplicates.ts';
import { type Mailboxes, Planner, queueEntry } from './plan.ts';
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

export interface OwnMessage {
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
  async prepare({ sender, recipient, smtputf8, eightBit, compose }: OwnMessage): Promise<PreparedMessage> {
    const { store, clock, log, syslogName, hostname } = this.#options;
    const deliveries = await this.#options.route(recipient, sender, 'internal');
    const queueId = this.#options.newQueueId();
    const now = clock.now();
    const writer = store.contentWriter();
    await writer.write(compose(queueId, now));
    const content = await writer.finish();
    const finals = finalRecipients([{ original: recipient, notify: '', orcpt: '', deliveries }], true);
    const plan = await this.#planner.plan({ sender, size: content.size, arrival: now }, finals);
    const entry = { id: queueId, size: content.size, sender, arrival: now, ret: '', envid: '', smtputf8, eightBit };
    log.write(`${syslogName}/cleanup`, 'info', `${queueId}: message-id=${ownMessageId({ now, queueId, hostname })}`);
    const accepted = { queueId, sender, size: content.size, recipients: finals.length };
    return {
      queueId,
      operation: { content, deliveries: plan.copies, ...queueEntry(entry, plan.queued, now) },
      committed: () => announceAccepted(this.#options, accepted, plan),
    };
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
