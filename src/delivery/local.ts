// local(8), as far as it sends mail on: what routing says of an alias, an :include: list or a .forward becomes new mail to
// its members (queue/forwarding.ts); mailbox_transport and fallback_transport get the message handed over.
// NOTE: |command, /file and the mailboxes of system accounts are not delivered to yet. Mail for such a recipient waits,
// all of it: were its other parts sent on, the next attempt would send them again.

import { toInternal, fold } from '../address/form.ts';
import { parseHeaderFields } from '../message/header-field.ts';
import type {
  DeliveryAgent,
  DeliveryReport,
  DeliveryRequest,
  Forward,
  ForwardRecipient,
  RecipientOutcome,
  TransportTable,
} from '../queue/delivery-agent.ts';
import type { QueueRecipient } from '../mailstore/types.ts';
import type { LocalEnd } from '../routing/local-alias.ts';

/** Throws TemporaryError. */
export type ExpandLocal = (
  recipient: string,
  transport: string,
  deliveredTo: ReadonlySet<string>,
) => Promise<readonly LocalEnd[]>;

export interface LocalAgentOptions {
  readonly expand: ExpandLocal;
  readonly transports: TransportTable;
  /** `forward` is in prepend_delivered_header. */
  readonly prependsDeliveredTo: boolean;
}

/** A longer header is nobody's: what stands behind it is not looked at (header_size_limit). */
const maxHeaderBytes = 102_400;

const notYet = { command: 'running commands', file: 'writing files', mailbox: 'system mailboxes' } as const;

export class LocalAgent implements DeliveryAgent {
  readonly #options: LocalAgentOptions;

  constructor(options: LocalAgentOptions) {
    this.#options = options;
  }

  async deliver(request: DeliveryRequest): Promise<DeliveryReport> {
    const deliveredTo = await readDeliveredTo(request);
    const outcomes: RecipientOutcome[] = [];
    const forwards: Forward[] = [];
    const copies = [];
    for (const recipient of request.recipients) {
      const report = await this.#deliverOne(request, recipient, deliveredTo);
      outcomes.push(...report.outcomes);
      forwards.push(...(report.forwards ?? []));
      copies.push(...(report.copies ?? []));
    }
    return { outcomes, ...(copies.length > 0 ? { copies } : {}), ...(forwards.length > 0 ? { forwards } : {}) };
  }

  async #deliverOne(
    request: DeliveryRequest,
    recipient: QueueRecipient,
    deliveredTo: ReadonlySet<string>,
  ): Promise<DeliveryReport> {
    const all = await this.#options.expand(recipient.recipient, request.transport, deliveredTo);
    const ends = all.filter(({ kind }) => kind !== 'discarded');
    const obstacle = ends.find(isObstacle);
    if (obstacle !== undefined) return { outcomes: [deferral(obstacle)] };
    const [only] = ends;
    if (only === undefined) return { outcomes: [outcome('delivered', '2.0.0', 'discarded')] };
    if (ends.length === 1 && only.sender === undefined) {
      if (only.kind === 'refused') return { outcomes: [outcome('bounced', only.status, only.reason)] };
      if (only.kind === 'transport') return await this.#handOver(request, recipient, only);
    }
    const forwards = this.#forwards(recipient, ends);
    const sent = outcome('delivered', '2.0.0', 'forwarded');
    // Whoever inherits the sender's wishes for reports will report.
    return {
      outcomes: [forwards.some(({ sender }) => sender === undefined) ? { ...sent, relayed: false } : sent],
      forwards,
    };
  }

  async #handOver(
    request: DeliveryRequest,
    recipient: QueueRecipient,
    { transport, nexthop }: LocalEnd & { readonly kind: 'transport' },
  ): Promise<DeliveryReport> {
    const found = this.#options.transports.find(transport);
    if (found === undefined || found.agent === this) {
      return { outcomes: [outcome('deferred', '4.3.0', `mail transport unavailable: ${transport}`)] };
    }
    return await found.agent.deliver({ ...request, transport, nexthop, recipients: [recipient] });
  }

  /** One message for each sender. */
  #forwards(recipient: QueueRecipient, ends: readonly LocalEnd[]): Forward[] {
    const bySender = new Map<string | undefined, ForwardRecipient[]>();
    for (const end of ends) {
      const list = bySender.get(end.sender) ?? [];
      bySender.set(end.sender, list);
      list.push(forwardRecipient(recipient, end));
    }
    const deliveredTo = this.#options.prependsDeliveredTo ? { deliveredTo: fold(recipient.recipient) } : {};
    return [...bySender].map(([sender, recipients]) => ({
      ...(sender === undefined ? {} : { sender }),
      ...deliveredTo,
      recipients,
    }));
  }
}

/** What a member cannot be told belongs to somebody else: with an owner, the member is the original recipient. */
function forwardRecipient({ original, notify, orcpt }: QueueRecipient, end: LocalEnd): ForwardRecipient {
  const { recipient: address, sender } = end;
  const origin = sender === undefined ? { original, notify, orcpt } : { original: address, notify: '', orcpt: '' };
  if (end.kind === 'transport') {
    return { address, ...origin, destination: { transport: end.transport, nexthop: end.nexthop } };
  }
  if (end.kind === 'refused') {
    return { address, ...origin, destination: { transport: 'error', nexthop: `${end.status} ${end.reason}` } };
  }
  return { address, ...origin };
}

type Obstacle = LocalEnd & { readonly kind: 'command' | 'file' | 'mailbox' | 'refused' };

function isObstacle(end: LocalEnd): end is Obstacle {
  return end.kind in notYet || (end.kind === 'refused' && end.status.startsWith('4'));
}

function deferral(end: Obstacle): RecipientOutcome {
  if (end.kind === 'refused') return outcome('deferred', end.status, end.reason);
  return outcome('deferred', '4.3.5', `${end.what}: ${notYet[end.kind]} is not supported yet`);
}

function outcome(kind: RecipientOutcome['kind'], status: string, reason: string): RecipientOutcome {
  return { kind, status, reason, relay: 'local' };
}

/** The addresses in Delivered-To fields, folded: mail that comes back to one of them loops. */
async function readDeliveredTo(request: DeliveryRequest): Promise<ReadonlySet<string>> {
  const content = request.openContent();
  try {
    const start = Buffer.from(await content.read(0, Math.min(content.size, maxHeaderBytes)));
    const end = start.indexOf('\r\n\r\n');
    const fields = parseHeaderFields(start.toString('latin1', 0, end === -1 ? start.length : end + 2));
    const delivered = fields.filter(({ name }) => name.toLowerCase() === 'delivered-to');
    return new Set(delivered.map(({ body }) => fold(toInternal(Buffer.from(body, 'latin1').toString('utf8')))));
  } finally {
    await content.close();
  }
}
