// Accepting a message: its copies in local mailboxes and its queue entry, in one transaction. That is the
// whole of "nothing lost, nothing twice": there is no moment at which a message is in both or in neither.

import {
  expiredByForce,
  type LedgerEntry,
  type NewQueueMessage,
  type QueueRecipient,
  type QueueRequeue,
} from '../types.ts';
import { accountOfState } from './books.ts';
import { addReferences, insertContent, insertDependent, releaseContent } from './contents.ts';
import type { Group } from './group.ts';
import type { PackedAccept, PackedDelivery, WriteOperation, WriteResults } from './types.ts';

export function accept(group: Group, operation: PackedAccept): WriteResults['accept'] {
  const { content, deliveries, queue, once, ledger, notices = [] } = operation;
  if (once !== undefined) {
    // A door that may hand in the same message again after a crash (maildrop) names it.
    const isKnown = group.sql('SELECT 1 FROM once WHERE key = ?').get(once) !== undefined;
    group.sql('INSERT OR REPLACE INTO once (key, time) VALUES (?, ?)').run(once, group.now);
    if (isKnown) return { delivered: [] };
  }
  if (ledger !== undefined && !note(group, ledger)) return { delivered: [] };
  for (const notice of notices) accept(group, notice);
  for (const { recipients = 1 } of deliveries) {
    group.books.add('entered', recipients);
    group.books.add('delivered', recipients);
  }
  const [only] = deliveries;
  if (only && deliveries.length === 1 && !queue) {
    const id = insertContent(group, content, group.slice(only.prefix), 1);
    return { delivered: [deliver(group, only, id, content.size + only.prefix.length)] };
  }
  const base = insertContent(group, content, null, deliveries.length + (queue ? 1 : 0));
  const delivered = deliverCopies(group, deliveries, base, content.size);
  if (!queue) return { delivered };
  return { delivered, queued: { content: base, recipients: insertQueueMessage(group, queue, base) } };
}

/** False where somebody was answered already. An entry that stands keeps its time: later mail does not prolong it. */
function note(group: Group, { key, time, since }: LedgerEntry): boolean {
  const known = group.sql('SELECT time FROM once WHERE key = ?').get(key) as { time: number } | undefined;
  if (known !== undefined && known.time > since) return false;
  group.sql('INSERT OR REPLACE INTO once (key, time) VALUES (?, ?)').run(key, time);
  return true;
}

function deliverCopies(group: Group, deliveries: readonly PackedDelivery[], base: number, baseSize: number) {
  return deliveries.map((delivery) => {
    const id = insertDependent(group, base, baseSize, group.slice(delivery.prefix));
    return deliver(group, delivery, id, baseSize + delivery.prefix.length);
  });
}

function deliver(group: Group, delivery: PackedDelivery, content: number, size: number) {
  const inbox = group.inbox(delivery.mailbox);
  const { uid } = group.addMessage(inbox, 0, size, delivery.internalDate, content);
  return { folder: inbox.columns.id, uid };
}

function insertQueueMessage(group: Group, message: NewQueueMessage, content: number): number[] {
  group
    .sql(
      `INSERT INTO queue_message (id, content, size, sender, arrival, next_attempt, attempts, ret, envid, smtputf8, eight_bit, warned, hold, verp)
       VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, 0, ?, ?)`,
    )
    .run(
      message.id,
      content,
      message.size,
      message.sender,
      message.arrival,
      message.nextAttempt,
      message.ret,
      message.envid,
      message.smtputf8 ? 1 : 0,
      message.eightBit ? 1 : 0,
      message.hold ? 1 : 0,
      message.verp ?? '',
    );
  return message.recipients.map((recipient) => insertQueueRecipient(group, message.id, recipient));
}

function insertQueueRecipient(group: Group, message: string, r: Omit<QueueRecipient, 'id'>): number {
  const { lastInsertRowid } = group
    .sql(
      `INSERT INTO queue_recipient (message, original, recipient, transport, nexthop, notify, orcpt, state, status, reason)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(message, r.original, r.recipient, r.transport, r.nexthop, r.notify, r.orcpt, r.state, r.status, r.reason);
  group.books.add('entered', 1);
  return Number(lastInsertRowid);
}

export function queueUpdate(group: Group, operation: Extract<WriteOperation, { kind: 'queue-update' }>): boolean {
  const { update, deliveries, notice, forwards = [] } = operation;
  const message = group.sql('SELECT content, size FROM queue_message WHERE id = ?').get(update.id) as
    | { content: number; size: number }
    | undefined;
  // Somebody deleted it from the queue while the attempt ran: its outcome has no row any more.
  if (!message) return false;
  for (const recipient of update.recipients) {
    const account = accountOfState[recipient.state];
    if (account !== undefined) {
      const remove = group.sql('DELETE FROM queue_recipient WHERE id = ? AND message = ?');
      group.books.add(account, remove.run(recipient.id, update.id).changes);
    } else {
      group
        .sql('UPDATE queue_recipient SET state = ?, status = ?, reason = ? WHERE id = ? AND message = ?')
        .run(recipient.state, recipient.status, recipient.reason, recipient.id, update.id);
    }
  }
  if (deliveries.length > 0) {
    const base = group.sql('SELECT size FROM content WHERE id = ?').get(message.content) as { size: number };
    addReferences(group, message.content, deliveries.length);
    deliverCopies(group, deliveries, message.content, base.size);
  }
  if (notice) accept(group, notice);
  for (const forward of forwards) accept(group, forward);
  const left = group.sql('SELECT 1 FROM queue_recipient WHERE message = ? LIMIT 1').get(update.id);
  if (!left) {
    dequeue(group, update.id, message.content);
    return true;
  }
  group
    .sql(
      `UPDATE queue_message SET
       next_attempt = CASE next_attempt WHEN ${expiredByForce} THEN next_attempt ELSE coalesce(?, next_attempt) END, attempts = attempts + ?, warned = coalesce(?, warned),
       hold = coalesce(?, hold) WHERE id = ?`,
    )
    .run(
      update.nextAttempt ?? null,
      update.recipients.length > 0 ? 1 : 0,
      update.warned === undefined ? null : Number(update.warned),
      update.hold === undefined ? null : Number(update.hold),
      update.id,
    );
  return true;
}

/** Expiry by force ends with it, and so does hold: the message is tried anew (postsuper(1) -r). */
export function requeue(group: Group, { id, replaced, recipients, nextAttempt }: QueueRequeue): boolean {
  const rows = group.sql('SELECT id FROM queue_recipient WHERE message = ?').all(id) as { id: number }[];
  const known = new Set(replaced);
  if (rows.length === 0 || rows.length !== known.size || !rows.every((row) => known.has(row.id))) return false;
  // They are the same recipients: the books count what is more or less of them.
  group.books.add('entered', -group.sql('DELETE FROM queue_recipient WHERE message = ?').run(id).changes);
  for (const recipient of recipients) insertQueueRecipient(group, id, recipient);
  group.sql('UPDATE queue_message SET next_attempt = ?, hold = 0 WHERE id = ?').run(nextAttempt, id);
  return true;
}

export function removeFromQueue(group: Group, ids: readonly string[]): number {
  let removed = 0;
  for (const id of ids) {
    const message = group.sql('SELECT content FROM queue_message WHERE id = ?').get(id) as
      | { content: number }
      | undefined;
    if (!message) continue;
    group.books.add('deleted', group.sql('DELETE FROM queue_recipient WHERE message = ?').run(id).changes);
    dequeue(group, id, message.content);
    removed++;
  }
  return removed;
}

function dequeue(group: Group, id: string, content: number): void {
  group.sql('DELETE FROM queue_message WHERE id = ?').run(id);
  releaseContent(group, content);
}
