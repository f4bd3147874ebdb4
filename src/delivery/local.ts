// local(8): what routing says of an alias, an :include: list or a .forward becomes new mail to its members
// (queue/forwarding.ts); mailbox_transport and fallback_transport get the message handed over; mailboxes, files and commands
// are delivered to (local-action.ts).
//
// Nothing twice: an expansion with one end is delivered at once. One with several becomes a message of its own, in the
// transaction that records the old recipient as done, where each end is a recipient with an outcome, a next attempt and a
// bounce of its own; were they tried in one go, as Postfix does, those that are done would be repeated with the one
// that must wait. A command or file among them is a recipient whose next hop says what is left to do (queue/end-row.ts).

import { toInternal, fold } from '../address/form.ts';
import { parseHeaderFields } from '../message/header-field.ts';
import type {
  DeliveryAgent,
  DeliveryReport,
  DeliveryRequest,
  Forward,
  ForwardRecipient,
  RecipientOutcome,
  RecipientProbe,
  TransportTable,
} from '../queue/delivery-agent.ts';
import type { QueueRecipient } from '../mailstore/types.ts';
import { endOf } from '../queue/end-row.ts';
import type { LocalAction, LocalEnd } from '../routing/local-end.ts';
import type { LocalActions } from './local-action.ts';
import { localProbe } from './local-probe.ts';

/** Throws TemporaryError. */
export type ExpandLocal = (
  recipient: string,
  transport: string,
  deliveredTo: ReadonlySet<string>,
) => Promise<readonly LocalEnd[]>;

export interface LocalAgentOptions {
  readonly expand: ExpandLocal;
  readonly transports: TransportTable;
  readonly actions: LocalActions;
  /** `forward` is in prepend_delivered_header. */
  readonly prependsDeliveredTo: boolean;
}

/** A longer header is nobody's: what stands behind it is not looked at (header_size_limit). */
const maxHeaderBytes = 102_400;

/** As JSON in the queue. */
type EndRow = LocalAction & { readonly delivered: string };

export class LocalAgent implements DeliveryAgent {
  readonly #options: LocalAgentOptions;
  readonly probe: RecipientProbe;

  constructor(options: LocalAgentOptions) {
    this.#options = options;
    this.probe = localProbe(options.expand);
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
    const end = endOf(recipient.nexthop);
    if (end !== undefined) return await this.#act(JSON.parse(end) as EndRow, recipient, request);
    const all = await this.#options.expand(recipient.recipient, request.transport, deliveredTo);
    const ends = all.filter(({ kind }) => kind !== 'discarded');
    const obstacle = ends.find((one) => one.kind === 'refused' && one.status.startsWith('4'));
    if (obstacle?.kind === 'refused') return { outcomes: [outcome('deferred', obstacle.status, obstacle.reason)] };
    const [only] = ends;
    if (only === undefined) return { outcomes: [outcome('delivered', '2.0.0', 'discarded')] };
    if (ends.length === 1 && only.sender === undefined) {
      if (only.kind === 'refused') return { outcomes: [outcome('bounced', only.status, only.reason)] };
      if (only.kind === 'transport') return await this.#handOver(request, recipient, only);
      if (isAction(only)) return await this.#act(only, { ...recipient, recipient: only.recipient }, request);
    }
    const forwards = this.#forwards(request.transport, recipient, ends);
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

  async #act(row: EndRow, recipient: QueueRecipient, request: DeliveryRequest): Promise<DeliveryReport> {
    const done = await this.#options.actions.carryOut(row, { ...recipient, delivered: row.delivered }, request);
    return { outcomes: [{ relay: 'local', ...done }] };
  }

  /** One message for each sender, and for each address in Delivered-To where that may change. */
  #forwards(transport: string, recipient: QueueRecipient, ends: readonly LocalEnd[]): Forward[] {
    const messages = Map.groupBy(ends, ({ sender = '', delivered }) => `${sender}\n${delivered}`);
    return [...messages.values()].map((members) => {
      const { sender, delivered = '' } = members[0] ?? {};
      return {
        ...(sender === undefined ? {} : { sender }),
        ...(this.#options.prependsDeliveredTo ? { deliveredTo: fold(delivered) } : {}),
        recipients: members.map((end) => this.#forwardRecipient(transport, recipient, end)),
      };
    });
  }

  /** What a member cannot be told belongs to somebody else: with an owner, the member is the original recipient. */
  #forwardRecipient(ours: string, { original, notify, orcpt }: QueueRecipient, end: LocalEnd): ForwardRecipient {
    const { recipient: address, sender } = end;
    const origin = sender === undefined ? { original, notify, orcpt } : { original: address, notify: '', orcpt: '' };
    if (end.kind === 'transport') {
      return { address, ...origin, destination: { transport: end.transport, nexthop: end.nexthop } };
    }
    if (end.kind === 'refused') {
      return { address, ...origin, destination: { transport: 'error', nexthop: `${end.status} ${end.reason}` } };
    }
    if (!isAction(end)) return { address, ...origin };
    // The new message has the field already.
    const delivered = this.#options.prependsDeliveredTo ? '' : end.delivered;
    const destination = { transport: ours, nexthop: '', end: JSON.stringify(endRow(end, delivered)) };
    return { address, ...origin, ...(sender === undefined ? {} : { original: '' }), destination };
  }
}

function isAction(end: LocalEnd): end is LocalEnd & LocalAction {
  return end.kind === 'command' || end.kind === 'file' || end.kind === 'mailbox';
}

function endRow(end: LocalAction, delivered: string): EndRow {
  if (end.kind !== 'mailbox') return { kind: end.kind, what: end.what, user: end.user, delivered };
  const command = end.command === undefined ? {} : { command: end.command };
  return { kind: 'mailbox', what: end.what, ...command, delivered };
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
