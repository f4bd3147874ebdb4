// DATA (RFC 5321 §4.1.1.4).

import { replies, type SmtpReply } from '../../smtp/reply.ts';
import { DataReader } from '../data-reader.ts';
import { openMessage } from '../open-message.ts';
import type { Conversation } from '../conversation.ts';
import { rejectedEnvelope, requestOf, type Transaction } from '../transaction.ts';

export function data(session: Conversation, rest: string): SmtpReply | Promise<SmtpReply> {
  const { transaction } = session;
  if (transaction === undefined) return replies.needRcpt;
  if (transaction.bdat !== undefined) return replies.dataAfterBdat;
  if (transaction.recipients.length === 0) return replies.noValidRecipients;
  if (rest !== '') return replies.dataSyntax;
  return begin(session, transaction);
}

async function begin(session: Conversation, transaction: Transaction): Promise<SmtpReply> {
  const refusal = await session.parts.policy.checkData(requestOf(transaction, session.asker, 'DATA'));
  if (refusal !== undefined) {
    session.logReject('DATA', refusal, rejectedEnvelope(transaction));
    return refusal;
  }
  const filtered = await session.filters?.data(transaction, rejectedEnvelope(transaction));
  if (filtered !== undefined) return filtered;
  session.readBody(new DataReader(session, transaction, await openMessage(session, transaction)));
  return replies.startData;
}
