// DATA (RFC 5321 §4.1.1.4).

import { replies, type SmtpReply } from '../../smtp/reply.ts';
import { DataReader } from '../data-reader.ts';
import { openMessage } from '../open-message.ts';
import type { Conversation } from '../conversation.ts';

export function data(session: Conversation, rest: string): SmtpReply | Promise<SmtpReply> {
  const { transaction, parts } = session;
  if (transaction === undefined) return replies.needRcpt;
  if (transaction.bdat !== undefined) return replies.dataAfterBdat;
  if (transaction.recipients.length === 0) return replies.noValidRecipients;
  if (rest !== '') return replies.dataSyntax;
  const begin = async (): Promise<SmtpReply> => {
    const receiver = await openMessage(session, transaction);
    session.readBody(new DataReader(session, transaction, receiver));
    return replies.startData;
  };
  // No new message while the store cannot keep up with those it has.
  return parts.store.isCongested ? parts.store.whenUncongested().then(begin) : begin();
}
