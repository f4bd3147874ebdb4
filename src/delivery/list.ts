// Gives a message for a mailing list to its members: as a new message from `owner-LIST`, so that what cannot be
// delivered is reported to the owners, with the fields by which mail programs know a list (RFC 2369, RFC 2919). For the
// sender, delivery to the list is final (RFC 3461 §5.2.7.3): the members' outcomes are not his to hear of.
//
// No loops: mail that has been through the list is refused, by Delivered-To, X-Loop or List-Id. What programs send (the
// null sender, automatic replies) is for the owners, never for the members. All of it comes into being in the transaction
// that records the outcome: after a crash, members have their copies or the message is still to be distributed.

import { toInternal, fold } from '../address/form.ts';
import { type HostedList, type ListLookups, ownerLocalpart, requestLocalpart } from '../directory/list-lookups.ts';
import { encodePhrase } from '../message/encode-text.ts';
import type { QueueRecipient } from '../mailstore/types.ts';
import type {
  DeliveryAgent,
  DeliveryReport,
  DeliveryRequest,
  Forward,
  RecipientOutcome,
} from '../queue/delivery-agent.ts';
import { asUtf8, fieldBodies, type MessageHeader, readHeader } from './message-header.ts';

export type Lists = Pick<ListLookups, 'byAddress' | 'persons' | 'refusal' | 'fresh'>;

/**
 * What a list replaces: fields of its own kind, also those of a list before it (RFC 2369 §4, RFC 2919 §6), and wishes
 * for receipts, which every member would fulfil.
 */
const replacedFields =
  /^(list-.*|precedence|x-loop|return-path|return-receipt-to|disposition-notification-to|x-confirm-reading-to)$/i;

export class ListAgent implements DeliveryAgent {
  readonly #lists: Lists;

  constructor(lists: Lists) {
    this.#lists = lists;
  }

  async deliver(request: DeliveryRequest): Promise<DeliveryReport> {
    const header = await readHeader(request);
    await this.#lists.fresh();
    const outcomes: RecipientOutcome[] = [];
    const forwards: Forward[] = [];
    for (const recipient of request.recipients) {
      const result = this.#distribute(request, recipient, header);
      if ('kind' in result) {
        outcomes.push(result);
        continue;
      }
      outcomes.push(outcome('delivered', '2.0.0', 'forwarded'));
      forwards.push(result);
    }
    return { outcomes, ...(forwards.length > 0 ? { forwards } : {}) };
  }

  /** Throws TemporaryError where the directory cannot tell. */
  #distribute(
    { message }: DeliveryRequest,
    { recipient }: QueueRecipient,
    header: MessageHeader,
  ): Forward | RecipientOutcome {
    const list = this.#lists.byAddress(toInternal(recipient));
    if (list === undefined) return outcome('bounced', '5.1.1', `unknown mailing list: "${recipient}"`);
    if (hasBeenThrough(list, header)) return outcome('bounced', '5.4.6', `mail forwarding loop for ${list.address}`);
    if (message.sender === '' || isAutomaticReply(header)) return this.#forOwners(list);
    const refusal = this.#lists.refusal(list.address, message.sender);
    if (refusal !== undefined) return outcome('bounced', '5.7.1', refusal);
    if (!header.isWhole) return outcome('bounced', '5.6.0', 'the header is too long for a mailing list');
    const recipients = this.#people(list, 'member');
    if (recipients.length === 0) return outcome('delivered', '2.0.0', 'the list has no members');
    const by = Buffer.concat([Buffer.from(listFields(list)), withoutReplaced(header)]);
    return {
      sender: sibling(list, ownerLocalpart),
      deliveredTo: list.address,
      recipients,
      replaced: { length: header.bytes.length, by },
      isForMany: true,
    };
  }

  #forOwners(list: HostedList): Forward {
    return { deliveredTo: list.address, recipients: this.#people(list, 'owner'), isForMany: true };
  }

  #people(list: HostedList, role: 'member' | 'owner') {
    const people = [];
    for (const address of this.#lists.persons(list.id, role)) {
      people.push({ address, original: address, notify: '', orcpt: '' });
    }
    return people;
  }
}

function hasBeenThrough(list: HostedList, header: MessageHeader): boolean {
  const passed = [...fieldBodies(header, 'delivered-to'), ...fieldBodies(header, 'x-loop')];
  if (passed.some((body) => fold(toInternal(asUtf8(body))) === list.address)) return true;
  // RFC 2919 §2: the identifier stands in angle brackets at the end.
  return fieldBodies(header, 'list-id').some((body) => fold(body).includes(`<${listId(list)}>`));
}

/** RFC 3834 §5; `auto-generated` mail (a monitor's, a form's) may be just what a list is for. */
function isAutomaticReply(header: MessageHeader): boolean {
  return fieldBodies(header, 'auto-submitted').some((body) => /^\s*auto-replied\b/i.test(body));
}

function listId({ address }: HostedList): string {
  return address.replace('@', '.');
}

function sibling({ address }: HostedList, localpart: (list: string) => string): string {
  const at = address.lastIndexOf('@');
  return localpart(address.slice(0, at)) + address.slice(at);
}

/** A list's name is plain (directory/list-rows.ts), so nothing in these URLs has to be encoded. */
function listFields(list: HostedList): string {
  const request = sibling(list, requestLocalpart);
  const name = list.name === '' ? '' : `${encodePhrase(list.name, 9)}\r\n `;
  return [
    `List-Id: ${name}<${listId(list)}>`,
    list.post === 'listed' ? 'List-Post: NO (only some may write to this list)' : `List-Post: <mailto:${list.address}>`,
    `List-Help: <mailto:${request}?subject=help>`,
    `List-Subscribe: <mailto:${request}?subject=subscribe>`,
    `List-Unsubscribe: <mailto:${request}?subject=unsubscribe>`,
    `List-Owner: <mailto:${sibling(list, ownerLocalpart)}>`,
    'Precedence: list',
    `X-Loop: ${list.address}`,
    '',
  ].join('\r\n');
}

function withoutReplaced({ fields, bytes }: MessageHeader): Buffer {
  const kept: Buffer[] = [];
  let at = 0;
  for (const { name, from, to } of fields) {
    if (!replacedFields.test(name)) continue;
    kept.push(bytes.subarray(at, from));
    at = to;
  }
  kept.push(bytes.subarray(at));
  return Buffer.concat(kept);
}

function outcome(kind: RecipientOutcome['kind'], status: string, reason: string): RecipientOutcome {
  return { kind, status, reason, relay: 'list' };
}
