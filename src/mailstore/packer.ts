// Gathers the byte strings of one operation, so that a group travels to the writer thread as one buffer.

import type { PackedAccept, PackedContent, PackedDelivery, Slice, WriteResults } from './operations/types.ts';
import type { AcceptOperation, AcceptResult, Content, MailboxDelivery } from './types.ts';

export interface Part {
  readonly slice: Slice;
  readonly data: Uint8Array;
}

/** Collects the byte strings of one operation; their offsets are set when the group is assembled. */
export class Packer {
  readonly parts: Part[] = [];

  add(data: Uint8Array): Slice {
    const slice: Slice = { offset: 0, length: data.length };
    this.parts.push({ slice, data });
    return slice;
  }

  content(content: Content): PackedContent {
    const sha256 = this.add(content.sha256);
    return content.kind === 'inline'
      ? { kind: 'inline', data: this.add(content.data), sha256, size: content.size }
      : { kind: 'file', place: content.place, sha256, size: content.size };
  }
}

export function packDeliveries(packer: Packer, deliveries: readonly MailboxDelivery[]): PackedDelivery[] {
  return deliveries.map((delivery) => ({ ...delivery, prefix: packer.add(delivery.prefix) }));
}

export function packAccept(packer: Packer, operation: AcceptOperation): PackedAccept {
  return {
    content: packer.content(operation.content),
    deliveries: packDeliveries(packer, operation.deliveries),
    ...(operation.queue ? { queue: operation.queue } : {}),
    ...(operation.once === undefined ? {} : { once: operation.once }),
    ...(operation.ledger === undefined ? {} : { ledger: operation.ledger }),
    ...(operation.notices ? { notices: operation.notices.map((notice) => packAccept(packer, notice)) } : {}),
  };
}

/** The writer's answer in the caller's words. */
export function unpackAccepted(
  { queue }: AcceptOperation,
  { delivered, queued }: WriteResults['accept'],
): AcceptResult {
  if (!queue || !queued) return { delivered };
  const { content, recipients: ids } = queued;
  const recipients = queue.recipients.map((recipient, index) => ({ ...recipient, id: ids[index] as number }));
  return { delivered, queued: { ...queue, content, attempts: 0, warned: false, recipients } };
}

/** Its own, and those of the notices that go with it. */
export function contentsOf({ content, notices = [] }: AcceptOperation): Content[] {
  return [content, ...notices.map((notice) => notice.content)];
}
