// Delivers queued mail to mailboxes of this server: what could not be delivered when it arrived, and what asked for a
// success report. The copies are made by the transaction that records the outcome, so they can neither be lost
// nor doubled. One copy a mailbox, however many recipients lead to it.

import { TemporaryError } from '../lib/temporary-error.ts';
import type { MailboxDelivery, QueueRecipient } from '../mailstore/types.ts';
import type {
  DeliveryAgent,
  DeliveryReport,
  DeliveryRequest,
  Forward,
  RecipientOutcome,
  RecipientProbe,
} from '../queue/delivery-agent.ts';
import { isOverQuota, type LocalMailbox, type Mailboxes, mayAnswer, replyRow, type Usage } from '../queue/plan.ts';
import { copyPrefix } from '../queue/trace-headers.ts';
import type { Clock } from '../lib/clock.ts';
import { readHeader } from './message-header.ts';

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

  readonly probe: RecipientProbe = {
    asksOthers: false,
    ask: async ({ recipient }) => {
      const found = await this.#find({ recipient }, 0);
      const taken = { kind: 'delivered', status: '2.0.0', reason: 'delivers to mailbox' } as const;
      return { outcomes: ['kind' in found ? found : taken] };
    },
  };

  async deliver(request: DeliveryRequest): Promise<DeliveryReport> {
    const { message, recipients, transport } = request;
    const groups = new Map<number, { readonly mailbox: LocalMailbox; readonly members: QueueRecipient[] }>();
    const outcomes: RecipientOutcome[] = [];
    for (const recipient of recipients) {
      const found = await this.#find(recipient, message.size);
      if ('kind' in found) {
        outcomes.push({ ...found, relay: transport });
        continue;
      }
      outcomes.push({ kind: 'delivered', status: '2.0.0', reason: 'delivered to mailbox', relay: transport });
      const group = groups.get(found.id);
      if (group) group.members.push(recipient);
      else groups.set(found.id, { mailbox: found, members: [recipient] });
    }
    const internalDate = this.#options.clock.now();
    const copies: MailboxDelivery[] = [];
    const forwards: Forward[] = [];
    for (const { mailbox, members } of groups.values()) {
      copies.push({ mailbox: mailbox.id, prefix: copyPrefix(message.sender, members), internalDate });
      const [first] = members;
      if (first !== undefined && mayAnswer(mailbox, { sender: message.sender, arrival: internalDate })) {
        forwards.push(await questionOfReply(request, first));
      }
    }
    return { outcomes, copies, ...(forwards.length > 0 ? { forwards } : {}) };
  }

  /** The mailbox, or why it is not delivered to. */
  async #find(
    { recipient }: Pick<QueueRecipient, 'recipient'>,
    size: number,
  ): Promise<LocalMailbox | RecipientOutcome> {
    const { mailboxes, usage, waitsForRoom } = this.#options;
    try {
      const mailbox = await mailboxes.mailboxByAddress(recipient);
      if (!mailbox) return { kind: 'bounced', status: '5.1.1', reason: `unknown user: "${recipient}"` };
      if (mailbox.maintenance) {
        return { kind: 'deferred', status: '4.2.1', reason: `mailbox is in maintenance: ${mailbox.maintenance}` };
      }
      if (!isOverQuota(mailbox, usage, size)) return mailbox;
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

/** Whether the absent owner answers is decided by the header alone: a message of its own with nothing else in it. */
async function questionOfReply(request: DeliveryRequest, { recipient, original }: QueueRecipient): Promise<Forward> {
  const { bytes } = await readHeader(request);
  const { transport, nexthop, notify, orcpt } = replyRow;
  return {
    recipients: [{ address: recipient, original, notify, orcpt, destination: { transport, nexthop } }],
    replaced: { length: request.message.size, by: bytes },
  };
}
