// DATA (RFC 5321 §4.1.1.4).

import { replies, type SmtpReply } from '../../smtp/reply.ts';
import { DataReader } from '../data-reader.ts';
import { openMessage } from '../open-message.ts';
import type { Conversation } from '../conversation.ts';

export function data(session: Conversation, rest: string): SmtpReply | Promise<SmtpReply> {
  const { transaction } = session;
  if (transaction === undefined) return replies.needRcpt;
  if (transaction.bdat !== undefined) return replies.dataAfterBdat;
  if (transaction.recipients.length === 0) return replies.noValidRecipients;
  if (rest !== '') return replies.dataSyntax;
  return openMessage(session, transaction).then((receiver) => {
    session.readBody(new DataReader(session, transaction, receiver));
    return replies.startData;
  });
}
