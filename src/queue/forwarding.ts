// Messages that a delivery makes of one: mail for an alias or a list goes on to its members as a new message, with a
// Received and a Delivered-To field in front, from the owner where there is one (local(8)); a vacation answers. What is
// made is routed as any mail, but causes no blind copies, and comes into being in the transaction that records the old recipient as delivered: a crash
// neither loses nor doubles it.

import { setImmediate } from 'node:timers/promises';
import type { AcceptOperation, Content, QueueMessage } from '../mailstore/types.ts';
import { formatMailDate } from '../message/received.ts';
import type { Delivery } from '../routing/types.ts';
import { announceAccepted } from './accepted.ts';
import type { Forward, ForwardRecipient } from './delivery-agent.ts';
import { finalRecipients } from './duplicates.ts';
import type { OwnMailOptions } from './own-mail.ts';
import { Planner, queueEntry } from './plan.ts';

export interface PreparedForward {
  readonly queueId: string;
  readonly operation: AcceptOperation;
  /** To be called when the transaction is durable. */
  committed(): void;
}

const chunkBytes = 256 * 1024;
const routedAtOnce = 100;

export class Forwarder {
  readonly #options: OwnMailOptions;
  readonly #planner: Planner;

  constructor(options: OwnMailOptions) {
    this.#options = options;
    this.#planner = new Planner(options.transports, options.mailboxes, options.store);
  }

  /** Throws TemporaryError or StoreFullError. */
  async prepare(message: QueueMessage, forward: Forward): Promise<PreparedForward> {
    const queueId = this.#options.newQueueId();
    const now = this.#options.clock.now();
    const sender = forward.sender ?? message.sender;
    const recipients = [];
    for (const recipient of forward.recipients) {
      const { original, notify, orcpt } = recipient;
      recipients.push({ original, notify, orcpt, deliveries: await this.#deliveries(recipient, sender) });
      // The members of a large list: others are served in between.
      if (recipients.length % routedAtOnce === 0) await setImmediate();
    }
    const finals = finalRecipients(recipients, forward.isForMany !== true);
    const content = await this.#content(message, forward, queueId, now);
    const isAnswered = forward.isForMany !== true;
    const plan = await this.#planner.plan({ sender, size: content.size, arrival: now, isAnswered }, finals);
    const { smtputf8 = message.smtputf8, eightBit = message.eightBit } =
      forward.needsUtf8 === undefined ? {} : { smtputf8: forward.needsUtf8, eightBit: forward.needsUtf8 };
    // A list's owner is told of failures, the author of the message of nothing (RFC 3461 §5.2.7.3).
    const wishes = forward.sender === undefined ? { ret: message.ret, envid: message.envid } : { ret: '', envid: '' };
    const entry = { id: queueId, size: content.size, sender, arrival: now, ...wishes, smtputf8, eightBit };
    const accepted = { queueId, sender, size: content.size, recipients: plan.recipients };
    const ledger = forward.ledger === undefined ? {} : { ledger: forward.ledger };
    return {
      queueId,
      operation: { content, deliveries: plan.copies, ...queueEntry(entry, plan.queued, now), ...ledger },
      committed: () => announceAccepted(this.#options, accepted, plan),
    };
  }

  async #deliveries({ address, original, destination }: ForwardRecipient, sender: string): Promise<Delivery[]> {
    if (destination !== undefined) return [{ recipient: address, original, ...destination }];
    const deliveries = await this.#options.route(address, sender, 'internal');
    return deliveries.map((delivery) => ({ ...delivery, original }));
  }

  async #content(
    message: QueueMessage,
    { deliveredTo, replaced }: Forward,
    queueId: string,
    now: number,
  ): Promise<Content> {
    const { store, hostname, mailName } = this.#options;
    const received = `Received: by ${hostname} (${mailName})\r\n\tid ${queueId}; ${formatMailDate(now)}\r\n`;
    const delivered = deliveredTo === undefined ? '' : `Delivered-To: ${deliveredTo}\r\n`;
    const writer = store.contentWriter();
    const reader = store.openContent(message.content);
    try {
      await writer.write(Buffer.from(received + delivered));
      if (replaced !== undefined) await writer.write(replaced.by);
      for (let from = replaced?.length ?? 0; from < reader.size; from += chunkBytes) {
        await writer.write(await reader.read(from, Math.min(reader.size, from + chunkBytes)));
      }
      return await writer.finish();
    } catch (error) {
      await writer.abort().catch(() => undefined);
      throw error;
    } finally {
      await reader.close();
    }
  }
}
