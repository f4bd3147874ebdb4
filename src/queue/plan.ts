// What one transaction has to store for a message: copies for local mailboxes, and queue rows for everything else. Used
// for mail that arrives and for notices alike.
//
// A local mailbox gets one copy of a message, however many of its recipients lead to it. A local recipient that cannot be
// served at this moment (over quota, in maintenance, mailbox gone, directory silent), or whose sender asked for a success report,
// becomes a queue row in the same transaction: the queue then bounces, retries or reports with its usual care, and nothing
// is decided twice or lost in between. So does the question whether an absent owner's mailbox answers.

import { verpSender } from '../bounce/verp.ts';
import { wantsNotice } from '../bounce/wishes.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { MailboxDelivery, NewQueueMessage } from '../mailstore/types.ts';
import type { TransportTable } from './delivery-agent.ts';
import type { FinalRecipient } from './duplicates.ts';
import { copyPrefix } from './trace-headers.ts';

export interface LocalMailbox {
  readonly id: number;
  /** 0: no limit. */
  readonly quotaBytes: number;
  /** Until when it answers mail by itself (milliseconds since 1970); 0 and absent: never. */
  readonly vacationUntil?: number;
  /** Why its mail waits in the queue for now; '' and absent: it does not. */
  readonly maintenance?: string;
}

/** The directory, as far as delivery asks it. Throws TemporaryError where it cannot tell. */
export interface Mailboxes {
  /** The mailbox that a final recipient (address extension included) belongs to. */
  mailboxByAddress(recipient: string): Promise<LocalMailbox | undefined>;
}

/** Octets that a mailbox holds. */
export interface Usage {
  usage(mailbox: number): { readonly bytes: number };
}

export interface Plan {
  readonly copies: readonly MailboxDelivery[];
  /** Who gets those copies: for the log. */
  readonly delivered: readonly FinalRecipient[];
  readonly queued: readonly FinalRecipient[];
  /** Those of `queued` whose mailbox has no room for the message. */
  readonly full: readonly FinalRecipient[];
  /** How many the message has: delivered, queued, and the replies that are to be decided. */
  readonly recipients: number;
}

export interface PlannedMessage {
  readonly sender: string;
  readonly size: number;
  readonly arrival: number;
  /** False: no vacation answers it (a list's mail). */
  readonly isAnswered?: boolean;
  readonly verp?: string | undefined;
}

/** The transport that answers for a mailbox (delivery/vacation.ts). Always there, without a line in master.cf. */
export const vacationTransport = 'posthaste-vacation';

interface Group {
  readonly mailbox: LocalMailbox;
  readonly recipients: FinalRecipient[];
}

export class Planner {
  readonly #transports: TransportTable;
  readonly #mailboxes: Mailboxes;
  readonly #usage: Usage;
  readonly #showsOriginals: boolean;

  /** `showsOriginals`: enable_original_recipient, whether copies say whom the sender wrote to. */
  constructor(transports: TransportTable, mailboxes: Mailboxes, usage: Usage, showsOriginals = true) {
    this.#transports = transports;
    this.#mailboxes = mailboxes;
    this.#usage = usage;
    this.#showsOriginals = showsOriginals;
  }

  async plan(message: PlannedMessage, recipients: readonly FinalRecipient[]): Promise<Plan> {
    const groups = new Map<number, Group>();
    const queued: FinalRecipient[] = [];
    const full: FinalRecipient[] = [];
    for (const recipient of recipients) {
      const mailbox = await this.#mailboxFor(recipient, message.size);
      if (mailbox === undefined || mailbox === 'full') {
        queued.push(recipient);
        if (mailbox === 'full') full.push(recipient);
        continue;
      }
      const group = groups.get(mailbox.id);
      if (group) group.recipients.push(recipient);
      else groups.set(mailbox.id, { mailbox, recipients: [recipient] });
    }
    const copies: MailboxDelivery[] = [];
    const delivered: FinalRecipient[] = [];
    for (const { mailbox, recipients: members } of groups.values()) {
      if (members.some((member) => wantsNotice(member.notify, 'success'))) {
        queued.push(...members);
        continue;
      }
      const named = this.#showsOriginals ? members : members.map(({ recipient }) => ({ recipient, original: '' }));
      const prefix = copyPrefix(senderFor(message, members), named);
      copies.push({ mailbox: mailbox.id, prefix, internalDate: message.arrival, recipients: members.length });
      delivered.push(...members);
      const [first] = members;
      if (first !== undefined && mayAnswer(mailbox, message)) queued.push({ ...first, ...replyRow });
    }
    return { copies, delivered, queued, full, recipients: delivered.length + queued.length };
  }

  /** Undefined for what is not local, or cannot be delivered locally now. */
  async #mailboxFor(
    { transport, recipient }: FinalRecipient,
    size: number,
  ): Promise<LocalMailbox | 'full' | undefined> {
    if (!this.#transports.find(transport)?.isMailstore) return undefined;
    try {
      const mailbox = await this.#mailboxes.mailboxByAddress(recipient);
      if (!mailbox || mailbox.maintenance) return undefined;
      return isOverQuota(mailbox, this.#usage, size) ? 'full' : mailbox;
    } catch (error) {
      if (error instanceof TemporaryError) return undefined;
      throw error;
    }
  }
}

/** Whether a reply has to be considered at all; who gets one is decided with the message in hand. */
export function mayAnswer(
  { vacationUntil = 0 }: LocalMailbox,
  { sender, arrival, isAnswered = true }: Pick<PlannedMessage, 'sender' | 'arrival' | 'isAnswered'>,
): boolean {
  return vacationUntil > arrival && sender !== '' && isAnswered;
}

/** Nobody is told what becomes of the reply. */
export const replyRow = { transport: vacationTransport, nexthop: '', notify: 'NEVER', orcpt: '' } as const;

/** A mailbox gets one copy, from the sender of the first of its recipients. */
function senderFor({ sender, verp }: PlannedMessage, [first]: readonly FinalRecipient[]): string {
  return verp === undefined || first === undefined ? sender : verpSender(sender, verp, first);
}

export function isOverQuota(mailbox: LocalMailbox, usage: Usage, size: number): boolean {
  return mailbox.quotaBytes > 0 && usage.usage(mailbox.id).bytes + size > mailbox.quotaBytes;
}

/** The queue's part of the transaction; undefined when nothing is to be queued. */
export function queueEntry(
  message: Omit<NewQueueMessage, 'recipients' | 'nextAttempt' | 'hold'>,
  queued: readonly FinalRecipient[],
  now: number,
  hold = false,
): { queue?: NewQueueMessage } {
  if (queued.length === 0) return {};
  const recipients = queued.map((recipient) => ({ ...recipient, state: 'pending' as const, status: '', reason: '' }));
  return { queue: { ...message, nextAttempt: now, hold, recipients } };
}
