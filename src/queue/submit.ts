// The queue's door: every message, whatever brought it, becomes durable here and only here. One transaction holds its
// copies in local mailboxes and its queue rows; when submit() returns, the message is readable where it is local and
// will be tried where it is not.
//
// Hot path: one directory look-up a recipient, no copy of the body, a handful of log lines. The store gathers the
// transactions of many sessions into one commit.
//
// Crash: before the commit nothing exists, and the client has heard no 250; after it everything does. A local delivery
// has no queue row, so it cannot happen again.

import type { Clock } from '../lib/clock.ts';
import type { Mailstore, NewQueueMessage } from '../mailstore/types.ts';
import type { AddressHandling, Delivery } from '../routing/types.ts';
import { type AcceptedOptions, announceAccepted } from './accepted.ts';
import { finalRecipients } from './duplicates.ts';
import { type FilterDefaults, recipientsThroughFilter } from './content-filter.ts';
import { editedRecipients } from './edited-recipients.ts';
import { withoutExpanded } from './expanded.ts';
import type { Concerned, PreparedNotices, Reported } from './notices.ts';
import { type Mailboxes, Planner, queueEntry } from './plan.ts';
import { QueueIds } from './queue-id.ts';
import { MailboxFullError, type MailQueue, type Submission, type SubmittedRecipient } from './types.ts';

/**
 * Routes one recipient: its deliveries, those by `error` among them. Empty for an address that does not exist (it is
 * bounced). Throws TemporaryError.
 */
export type RouteRecipient = (
  recipient: string,
  sender: string,
  handling: AddressHandling,
) => Promise<readonly Delivery[]>;

export interface QueueOptions extends AcceptedOptions {
  readonly store: Mailstore;
  readonly clock: Clock;
  readonly mailboxes: Mailboxes;
  readonly redecide: RouteRecipient;
  /** The envelope sender in standard form, and as canonical maps and masquerading make it. Throws TemporaryError. */
  rewriteSender(sender: string, handling: AddressHandling): Promise<string>;
  /** The revision of the tables that routing reads; `fresh` is awaited before, and throws TemporaryError. */
  revision(): number;
  readonly fresh?: () => Promise<void> | undefined;
  /** Notices of what has become of recipients before the queue has seen them; absent: there are none. */
  readonly reportExpansions?: (
    message: Reported,
    expanded: readonly Concerned[],
  ) => Promise<PreparedNotices | undefined>;
  /** Tells of a message that is durable: its sender, and its recipients as they were given. Nobody waits for it. */
  readonly onAccepted?: (sender: string, originals: ReadonlySet<string>) => void;
  /** enable_original_recipient. */
  readonly byOriginalRecipient: boolean;
  readonly filterDefaults: FilterDefaults;
}

export class Queue implements MailQueue {
  readonly #options: QueueOptions;
  readonly #ids: QueueIds;
  readonly #planner: Planner;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#ids = new QueueIds(options.clock);
    this.#planner = new Planner(options.transports, options.mailboxes, options.store, options.byOriginalRecipient);
  }

  newQueueId(): string {
    return this.#ids.next();
  }

  async submit(submission: Submission): Promise<void> {
    const { store, clock, byOriginalRecipient } = this.#options;
    const { queueId, content, arrival, handling = 'external' } = submission;
    const began = clock.now();
    const decided = await this.#edited(await this.#decided(submission, handling), submission, handling);
    const { recipients, expanded } = withoutExpanded(decided);
    const finals = finalRecipients(this.#filtered(recipients, submission.filter), byOriginalRecipient);
    const sender = await this.#options.rewriteSender(submission.sender, handling);
    const report = await this.#report(submission, sender, expanded);
    const notices = report === undefined ? {} : { notices: report.operations };
    if (submission.hold) {
      const queue = queueEntry(queueMessage(submission, sender), finals, began, true);
      await store.accept({ content, deliveries: [], ...queue, ...notices });
      this.#options.metrics?.accepted(content.size);
      report?.committed();
      this.#tellAccepted(submission, handling);
      return;
    }
    const { verp } = queueMessage(submission, sender);
    const plan = await this.#planner.plan({ sender, size: content.size, arrival: began, verp }, finals);
    if (plan.full.length > 0 && plan.full.length === finals.length) throw new MailboxFullError('every mailbox is full');
    const { delivered, queued } = await store.accept({
      content,
      deliveries: plan.copies,
      ...queueEntry(queueMessage(submission, sender), plan.queued, began),
      ...(submission.once === undefined ? {} : { once: submission.once }),
      ...notices,
    });
    // A message that was handed in before a crash, and is stored since then.
    if (delivered.length < plan.copies.length) return;
    const message = { queueId, sender, size: content.size, recipients: plan.recipients };
    const commit = clock.now() - began;
    this.#options.metrics?.observe('receive', began - arrival);
    this.#options.metrics?.observe('commit', commit);
    const fresh = queued && { message: queued, content };
    announceAccepted(this.#options, message, plan, began - arrival, commit, fresh);
    report?.committed();
    this.#tellAccepted(submission, handling);
  }

  /** Mail whose aliases were expanded before (behind a content filter) has been told of then. */
  #tellAccepted({ sender, recipients }: Submission, handling: AddressHandling): void {
    const { onAccepted } = this.#options;
    if (onAccepted === undefined || handling === 'unmapped') return;
    onAccepted(sender, new Set(recipients.map(({ original }) => original)));
  }

  async #edited(
    recipients: readonly SubmittedRecipient[],
    { recipientOrders = [], sender }: Submission,
    handling: AddressHandling,
  ): Promise<readonly SubmittedRecipient[]> {
    if (recipientOrders.length === 0) return recipients;
    const { byOriginalRecipient, redecide } = this.#options;
    const own = handling === 'unmapped' ? 'unmapped' : 'internal';
    const route = (address: string) => redecide(address, sender, own);
    return await editedRecipients(recipients, recipientOrders, { byOriginalRecipient, route });
  }

  #filtered(recipients: readonly SubmittedRecipient[], filter = ''): readonly SubmittedRecipient[] {
    return filter === '' ? recipients : recipientsThroughFilter(recipients, filter, this.#options.filterDefaults);
  }

  /** Rather no report than no message: what cannot be made is told in the log. */
  async #report(
    submission: Submission,
    sender: string,
    expanded: readonly Concerned[],
  ): Promise<PreparedNotices | undefined> {
    if (expanded.length === 0) return undefined;
    try {
      const message = { ...queueMessage(submission, sender), content: submission.content, warned: false };
      return await this.#options.reportExpansions?.(message, expanded);
    } catch (error) {
      const { log, syslogName } = this.#options;
      const why = error instanceof Error ? error.message : String(error);
      log.write(`${syslogName}/cleanup`, 'warning', `${submission.queueId}: no report of expanded aliases: ${why}`);
      return undefined;
    }
  }

  recordDiscarded(recipients: readonly SubmittedRecipient[]): void {
    const { store, byOriginalRecipient } = this.#options;
    const { length } = finalRecipients(recipients, byOriginalRecipient);
    // A crash forgets that they came and that they left alike: nobody waits for the disk.
    store.books.recordDiscarded(length).catch(() => undefined);
  }

  /** A table that has changed since RCPT decides again; an address that is gone by now is bounced, not lost. */
  async #decided(
    { recipients, sender }: Submission,
    handling: AddressHandling,
  ): Promise<readonly SubmittedRecipient[]> {
    await this.#options.fresh?.();
    const revision = this.#options.revision();
    if (recipients.every((recipient) => recipient.revision === undefined || recipient.revision === revision)) {
      return recipients;
    }
    const decided: SubmittedRecipient[] = [];
    for (const recipient of recipients) {
      if (recipient.revision === undefined) {
        decided.push(recipient);
        continue;
      }
      const deliveries = await this.#options.redecide(recipient.original, sender, handling);
      decided.push({ ...recipient, deliveries });
    }
    return decided;
  }
}

function queueMessage(
  submission: Submission,
  sender: string,
): Omit<NewQueueMessage, 'recipients' | 'nextAttempt' | 'hold'> {
  const { queueId, content, arrival, ret, envid, smtputf8, eightBit, verp } = submission;
  const message = { id: queueId, size: content.size, sender, arrival, ret, envid, smtputf8, eightBit };
  return verp === undefined || sender === '' ? message : { ...message, verp };
}
