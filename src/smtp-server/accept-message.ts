// The end of a message, the same for DATA and BDAT: refuses it for what was seen in it, or makes it durable and
// hands it to the queue. 250 is said only after that. LMTP gets one reply for each accepted recipient
// (RFC 2033 §4.2), SMTP one for all.

import { TemporaryError } from '../lib/temporary-error.ts';
import { StoreFullError } from '../mailstore/types.ts';
import { MailboxFullError } from '../queue/types.ts';
import { isRefusal, replies, reply, type SmtpReply } from '../smtp/reply.ts';
import type { MessageReceiver } from './message-receiver.ts';
import type { Conversation } from './conversation.ts';
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
  let result = receiver.refusal(bareLineFeeds) ?? (isLmtp && valid.length > 0 ? undefined : refused);
  result ??= await session.parts.policy.checkEndOfData(
    requestOf(transaction, session.asker, 'END-OF-MESSAGE', receiver.size),
  );
  if (result !== undefined) {
    receiver.discard();
    session.logReject('END-OF-MESSAGE', result, rejectedEnvelope(transaction));
  } else if (transaction.actions.isDiscarded) {
    receiver.discard();
    session.parts.queue.recordDiscarded(recipients);
    result = reply(250, '2.0.0', `${okText} queued as ${transaction.queueId}`);
  } else {
    result = await submit(session, transaction, receiver, valid, okText);
  }
  if (!isRefusal(result)) session.errors.forgive();
  if (!isLmtp) return [result];
  return recipients.map((recipient) => recipient.dataRefusal ?? (result as SmtpReply));
}

async function submit(
  session: Conversation,
  transaction: Transaction,
  receiver: MessageReceiver,
  recipients: readonly AcceptedRecipient[],
  okText: string,
): Promise<SmtpReply> {
  const queueId = transaction.queueId as string;
  const { login } = session;
  const { senders } = session.parts;
  const exceeded = login === undefined ? undefined : senders?.take(login, recipients.length);
  if (login !== undefined && exceeded !== undefined) {
    receiver.discard();
    const refusal = exceededReply(login, exceeded);
    session.logReject('END-OF-MESSAGE', refusal, rejectedEnvelope(transaction));
    return refusal;
  }
  try {
    const content = await receiver.finish();
    await session.parts.queue.submit({
      queueId,
      sender: transaction.sender,
      handling: session.parts.policy.handling ?? 'external',
      recipients: await orderedRecipients(session.parts.policy, transaction, recipients),
      ...(transaction.actions.isHeld || (login !== undefined && senders?.holds(login) === true) ? { hold: true } : {}),
      content,
      ret: transaction.parameters.ret,
      envid: transaction.parameters.envid,
      smtputf8: transaction.parameters.smtputf8,
      eightBit: transaction.parameters.eightBit,
      ...(transaction.parameters.verp === undefined ? {} : { verp: transaction.parameters.verp }),
      arrival: transaction.arrival,
    });
    if (login !== undefined) senders?.accepted(login, recipients.length);
    return reply(250, '2.0.0', `${okText} queued as ${queueId}`);
  } catch (error) {
    receiver.discard();
    if (login !== undefined) senders?.giveBack(login, recipients.length);
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
}
