// Delivers queued mail to mailboxes of this server: what could not be delivered when it arrived, and what asked for a
// success report. The copies are made by the transaction that records the outcome, so they can neither be lost
// nor doubled. One copy a mailbox, however many recipients lead to it.

import { TemporaryError } from '../lib/temporary-error.ts';
import type { MailboxDelivery, QueueRecipient } from '../mailstore/types.ts';
import type { DeliveryAgent, DeliveryReport, DeliveryRequest, RecipientOutcome } from '../queue/delivery-agent.ts';
import { isOverQuota, type Mailboxes, type Usage } from '../queue/plan.ts';
import { copyPrefix } from '../queue/trace-headers.ts';
import type { Clock } from '../lib/clock.ts';

export interface MailstoreAgentOptions {
  readonly mailboxes: Mailboxes;
  readonly usage: Usage;
  readonly clock: Clock;
  /** posthaste_quota_full_tempfail: a full mailbox may have room tomorrow. */
  readonly waitsForRoom: boolean;
}

export class MailstoreAgent implements DeliveryAgent {
  readonly #options: MailstoreAgentOptions;

  constructor(options: MailstoreAgentOptions) {
    this.#options = options;
  }

  async deliver({ message, recipients, transport }: DeliveryRequest): Promise<DeliveryReport> {
    const groups = new Map<number, QueueRecipient[]>();
    const outcomes: RecipientOutcome[] = [];
    for (const recipient of recipients) {
      const found = await this.#find(recipient, message.size);
      if (typeof found !== 'number') {
        outcomes.push({ ...found, relay: transport });
        continue;
      }
      outcomes.push({ kind: 'delivered', status: '2.0.0', reason: 'delivered to mailbox', relay: transport });
      const group = groups.get(found);
      if (group) group.push(recipient);
      else groups.set(found, [recipient]);
    }
    const internalDate = this.#options.clock.now();
    const copies: MailboxDelivery[] = [];
    for (const [mailbox, members] of groups) {
      copies.push({ mailbox, prefix: copyPrefix(message.sender, members), internalDate });
    }
    return { outcomes, copies };
  }

  /** The mailbox's id, or why it is not delivered to. */
  async #find({ recipient }: QueueRecipient, size: number): Promise<number | RecipientOutcome> {
    const { mailboxes, usage, waitsForRoom } = this.#options;
    try {
      const mailbox = await mailboxes.mailboxByAddress(recipient);
      if (!mailbox) return { kind: 'bounced', status: '5.1.1', reason: `unknown user: "${recipient}"` };
      if (!isOverQuota(mailbox, usage, size)) return mailbox.id;
      const full = { reason: 'mailbox is full' };
      return waitsForRoom
        ? { kind: 'deferred', status: '4.2.2', ...full }
        : { kind: 'bounced', status: '5.2.2', ...full };
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      return { kind: 'deferred', status: '4.3.0', reason: `mailbox lookup failed: ${error.message}` };
    }
  }
}
