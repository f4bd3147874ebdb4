// The end of a message, the same for DATA and BDAT: refuses it for what was seen in it, or makes it durable and
// hands it to the queue. 250 is said only after that. LMTP gets one reply for each accepted recipient
// (RFC 2033 §4.2), SMTP one for all.

import { TemporaryError } from '../lib/temporary-error.ts';
import { StoreFullError } from '../mailstore/types.ts';
import { MailboxFullError } from '../queue/types.ts';
import { isRefusal, replies, reply, type SmtpReply } from '../smtp/reply.ts';
import type { MessageReceiver } from './message-receiver.ts';
import type { Conversation } from './conversation.ts';
import { filterMessage, type FilterVerdict } from './filter-message.ts';
import { exceededReply } from './sending-refusal.ts';
import { orderedRecipients } from './ordered-recipients.ts';
import { type AcceptedRecipient, rejectedEnvelope, requestOf, type Transaction } from './transaction.ts';

export async function acceptMessage(
  session: Conversation,
  transaction: Transaction,
  receiver: MessageReceiver,
  bareLineFeeds: number,
  okText: string,
): Promise<readonly SmtpReply[]> {
  const isLmtp = session.options.protocol === 'lmtp';
  const { recipients } = transaction;
  const refused = recipients.find((recipient) => recipient.dataRefusal !== undefined)?.dataRefusal;
  const valid = isLmtp ? recipients.filter((recipient) => recipient.dataRefusal === undefined) : recipients;
  const contentRefusal = await receiver.settle();
  let result = contentRefusal ?? receiver.refusal(bareLineFeeds) ?? (isLmtp && valid.length > 0 ? undefined : refused);
  result ??= await session.parts.policy.checkEndOfData(
    requestOf(transaction, session.asker, 'END-OF-MESSAGE', receiver.size),
  );
  if (result !== undefined) {
    receiver.discard();
    // What stands in it has been told of by whom it was refused.
    if (contentRefusal === undefined) session.logReject('END-OF-MESSAGE', result, rejectedEnvelope(transaction));
  } else if (transaction.actions.isDiscarded) {
    receiver.discard();
    session.parts.queue.recordDiscarded(recipients);
    result = reply(250, '2.0.0', `${okText} queued as ${transaction.queueId}`);
  } else {
    result = await store(session, transaction, receiver, valid, okText);
  }
  session.filters?.abort();
  if (!isRefusal(result)) session.errors.forgive();
  if (!isLmtp) return [result];
  return recipients.map((recipient) => recipient.dataRefusal ?? (result as SmtpReply));
}

/** Shows the message to filters, where there are any, and hands it to the queue. */
async function store(
  session: Conversation,
  transaction: Transaction,
  receiver: MessageReceiver,
  recipients: readonly AcceptedRecipient[],
  okText: string,
): Promise<SmtpReply> {
  const { filters, login } = session;
  const { senders } = session.parts;
  const queueId = transaction.queueId as string;
  const exceeded = login === undefined ? undefined : senders?.take(login, recipients.length);
  if (login !== undefined && exceeded !== undefined) {
    receiver.discard();
    const refusal = exceededReply(login, exceeded);
    session.logReject('END-OF-MESSAGE', refusal, rejectedEnvelope(transaction));
    return refusal;
  }
  const giveBack = (): void => {
    receiver.discard();
    if (login !== undefined) senders?.giveBack(login, recipients.length);
  };
  try {
    let filtered: FilterVerdict | undefined;
    if (filters !== undefined) filtered = await filterMessage(session, filters, transaction, receiver);
    if (filtered?.kind === 'refused') {
      giveBack();
      return filtered.reply;
    }
    if (filtered?.kind === 'discarded') {
      receiver.discard();
      session.parts.queue.recordDiscarded(recipients);
    } else {
      await submit(session, transaction, receiver, recipients, filtered);
    }
    if (login !== undefined) senders?.accepted(login, recipients.length);
    return reply(250, '2.0.0', `${okText} queued as ${queueId}`);
  } catch (error) {
    giveBack();
    return failure(session, transaction, error);
  }
}

async function submit(
  session: Conversation,
  transaction: Transaction,
  receiver: MessageReceiver,
  recipients: readonly AcceptedRecipient[],
  filtered: (FilterVerdict & { readonly kind: 'accepted' }) | undefined,
): Promise<void> {
  const { actions } = transaction;
  const { login } = session;
  const queueId = transaction.queueId as string;
  const isHeld = actions.isHeld || (login !== undefined && session.parts.senders?.holds(login) === true);
  const ordered = await orderedRecipients(session.parts.policy, transaction, recipients);
  const content = filtered?.content ?? (await receiver.finish());
  if (filtered?.content !== undefined) receiver.discard();
  const filter = actions.redirect === undefined ? (actions.filter ?? session.options.contentFilter) : '';
  const orders = filtered?.envelope.recipients ?? [];
  await session.parts.queue.submit({
    queueId,
    sender: filtered?.envelope.sender ?? transaction.sender,
    handling: session.parts.policy.handling ?? 'external',
    recipients: ordered,
    ...(orders.length === 0 ? {} : { recipientOrders: orders }),
    ...(filter === '' ? {} : { filter }),
    ...(isHeld ? { hold: true } : {}),
    content,
    ret: filtered?.envelope.ret ?? transaction.parameters.ret,
    envid: filtered?.envelope.envid ?? transaction.parameters.envid,
    smtputf8: transaction.parameters.smtputf8,
    eightBit: transaction.parameters.eightBit,
    ...(transaction.parameters.verp === undefined ? {} : { verp: transaction.parameters.verp }),
    arrival: transaction.arrival,
  });
}

/** Nothing was accepted. */
function failure(session: Conversation, transaction: Transaction, error: unknown): SmtpReply {
  const queueId = transaction.queueId as string;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof StoreFullError) {
    session.log.warning(`${queueId}: ${message}`);
    session.logReject('END-OF-MESSAGE', replies.noSpace, transaction);
    return replies.noSpace;
  }
  if (error instanceof MailboxFullError) {
    const refusal = session.options.isFullTemporary ? replies.mailboxFullForNow : replies.mailboxFull;
    session.logReject('END-OF-MESSAGE', refusal, transaction);
    return refusal;
  }
  // Whatever it was: nothing is acknowledged, so the client keeps the message and tries again.
  if (error instanceof TemporaryError) session.log.warning(`${queueId}: ${message}`);
  else session.log.error(`${queueId}: cannot store message: ${error instanceof Error ? error.stack : message}`);
  return replies.queueFileWriteError;
}
