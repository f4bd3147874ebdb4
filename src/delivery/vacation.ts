// Answers mail for a mailbox whose owner is away. The question comes as a queue row beside the delivered copy, made in
// the transaction of the delivery; the reply is made in the transaction that ends the row, together with its entry in
// the ledger. So a crash at any moment loses no reply and doubles none.
//
// It is decided here, with the header in hand: who is never answered (vacation-rules.ts), whether the message was sent
// to one of the mailbox's own addresses, and whether its sender has heard already. What an own address is says the
// same routing that delivers: aliases, alias domains, extensions and a catch-all are known without being listed.

import { createHash } from 'node:crypto';
import { domainOf, fold } from '../address/form.ts';
import type { ActiveVacation, VacationLookups } from '../directory/vacations.ts';
import type { Clock } from '../lib/clock.ts';
import type { Mailstore, QueueRecipient } from '../mailstore/types.ts';
import type {
  DeliveryAgent,
  DeliveryReport,
  DeliveryRequest,
  Forward,
  RecipientOutcome,
  TransportTable,
} from '../queue/delivery-agent.ts';
import type { LocalMailbox, Mailboxes } from '../queue/plan.ts';
import type { RouteRecipient } from '../queue/submit.ts';
import { type MessageHeader, readHeader } from './message-header.ts';
import { composeReply, needsUtf8 } from './vacation-reply.ts';
import { addressees, whyNoReply } from './vacation-rules.ts';

export interface VacationAgentOptions {
  readonly vacations: Pick<VacationLookups, 'active'>;
  readonly mailboxes: Mailboxes;
  readonly store: Pick<Mailstore, 'ledgerTime'>;
  readonly transports: TransportTable;
  readonly route: RouteRecipient;
  readonly clock: Clock;
  readonly hostname: string;
}

const dayMilliseconds = 86_400_000;
/** Strangers who make up senders get no more replies than this out of a mailbox. */
const maxRepliesPerDay = 1000;
/** Addresses of a message that are looked at, those in the recipient's domain first. */
const maxAddressees = 100;
const maxPromises = 10_000;
/** A reply that cannot be made is tried again within this time; then another message's turn has come. */
const promiseMilliseconds = 600_000;

export class VacationAgent implements DeliveryAgent {
  readonly #options: VacationAgentOptions;
  /** Which message is about to answer whom: of two at once, the second one must not say that it has. */
  readonly #promised = new Map<string, { readonly queueId: string; readonly time: number }>();
  readonly #replies = new Map<number, { readonly since: number; count: number }>();

  constructor(options: VacationAgentOptions) {
    this.#options = options;
  }

  async deliver(request: DeliveryRequest): Promise<DeliveryReport> {
    const outcomes: RecipientOutcome[] = [];
    const forwards: Forward[] = [];
    for (const recipient of request.recipients) {
      const answer = await this.#answer(request, recipient);
      const reason = typeof answer === 'string' ? `no reply: ${answer}` : 'answered';
      outcomes.push({ kind: 'delivered', status: '2.0.0', reason, relay: 'vacation' });
      if (typeof answer !== 'string') forwards.push(answer);
    }
    return { outcomes, ...(forwards.length > 0 ? { forwards } : {}) };
  }

  /** The reply, or why there is none. Throws TemporaryError. */
  async #answer(request: DeliveryRequest, recipient: QueueRecipient): Promise<Forward | string> {
    const { vacations, mailboxes, clock, store } = this.#options;
    const { message } = request;
    const now = clock.now();
    const mailbox = await mailboxes.mailboxByAddress(recipient.recipient);
    const vacation = mailbox && vacations.active(mailbox.id, now);
    if (mailbox === undefined || vacation === undefined) return 'the owner is not away';
    const header = await readHeader(request);
    const why = whyNoReply(message.sender, header);
    if (why !== undefined) return why;
    if (await this.#isOwn(message.sender, mailbox)) return 'its sender is the mailbox itself';
    if (!(await this.#isAddressed(header, recipient, mailbox))) return 'it was not sent to one of its addresses';
    const key = ledgerKey(mailbox, vacation, message.sender);
    const since = now - vacation.days * dayMilliseconds;
    const isAnswered = (store.ledgerTime(key) ?? Number.NEGATIVE_INFINITY) > since;
    if (isAnswered || !this.#promise(key, message.id, now))
      return `its sender has heard in the last ${vacation.days} days`;
    if (!this.#hasReplyLeft(mailbox.id, now)) return `more than ${maxRepliesPerDay} replies in a day`;
    const { hostname } = this.#options;
    const id = `${now.toString(36)}.${message.id}.${recipient.id}`;
    const by = composeReply({ vacation, to: message.sender, header, now, id, hostname });
    return {
      sender: '',
      recipients: [{ address: message.sender, original: message.sender, notify: 'NEVER', orcpt: '' }],
      replaced: { length: message.size, by },
      ledger: { key, time: now, since },
      needsUtf8: needsUtf8(vacation, message.sender),
    };
  }

  /** RFC 5230 §4.5: blind copies, and what a list or forwarder brings, are not answered. */
  async #isAddressed(header: MessageHeader, recipient: QueueRecipient, mailbox: LocalMailbox): Promise<boolean> {
    const found = addressees(header);
    const known = [fold(recipient.recipient), fold(recipient.original)];
    if (found.some((address) => known.includes(address))) return true;
    const domains = known.map(domainOf);
    const near = found.filter((address) => domains.includes(domainOf(address)));
    for (const address of [...new Set([...near, ...found])].slice(0, maxAddressees)) {
      if (await this.#isOwn(address, mailbox)) return true;
    }
    return false;
  }

  /** Does mail for this address reach the mailbox? */
  async #isOwn(address: string, mailbox: LocalMailbox): Promise<boolean> {
    const { route, transports, mailboxes } = this.#options;
    for (const { transport, recipient } of await route(address, '', 'internal')) {
      if (!transports.find(transport)?.isMailstore) continue;
      if ((await mailboxes.mailboxByAddress(recipient))?.id === mailbox.id) return true;
    }
    return false;
  }

  #promise(key: string, queueId: string, time: number): boolean {
    const other = this.#promised.get(key);
    if (other !== undefined && other.queueId !== queueId && other.time > time - promiseMilliseconds) return false;
    // The newest stands last.
    this.#promised.delete(key);
    const [oldest] = this.#promised.keys();
    if (this.#promised.size >= maxPromises && oldest !== undefined) this.#promised.delete(oldest);
    this.#promised.set(key, { queueId, time });
    return true;
  }

  #hasReplyLeft(mailbox: number, now: number): boolean {
    let replies = this.#replies.get(mailbox);
    if (replies === undefined || replies.since <= now - dayMilliseconds) {
      replies = { since: now, count: 0 };
      this.#replies.set(mailbox, replies);
    }
    replies.count++;
    return replies.count <= maxRepliesPerDay;
  }
}

/** Another text is another reason to answer (RFC 5230 §4.2). */
function ledgerKey(mailbox: LocalMailbox, { subject, text }: ActiveVacation, sender: string): string {
  const hash = createHash('sha256')
    .update([fold(sender), subject, text].join('\0'))
    .digest('base64url');
  return `vacation/${mailbox.id}/${hash.slice(0, 32)}`;
}
