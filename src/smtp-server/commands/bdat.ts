// BDAT (RFC 3030 §2): a chunk of so many octets follows at once, whatever we say, so every refusal reads it away
// first. A line from which the size cannot be told ends the session: nobody knows where commands begin again.

import { parseBdat } from '../../smtp/bdat.ts';
import { replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import { BdatReader, RefusedChunkReader } from '../bdat-reader.ts';
import type { ChunkReader } from '../body-reader.ts';
import { isDiscarded } from '../offers.ts';
import { openMessage } from '../open-message.ts';
import type { Conversation } from '../conversation.ts';
import { rejectedEnvelope, requestOf, type Transaction } from '../transaction.ts';

export function bdat(session: Conversation, rest: string): SmtpReply | undefined | Promise<SmtpReply | undefined> {
  if (isDiscarded(session, 'chunking')) return reply(521, '5.5.1', 'Error: command not implemented');
  const chunk = parseBdat(rest);
  if (chunk === undefined) {
    session.log.warning(`malformed BDAT command syntax from ${session.clientText}: ${rest.slice(0, 100)}`);
    return replies.bdatSyntax;
  }
  const { transaction } = session;
  if (transaction === undefined || transaction.recipients.length === 0) {
    const refusal = transaction === undefined ? replies.needRcpt : replies.noValidRecipients;
    session.readBody(new RefusedChunkReader(chunk.size, refusal));
    return undefined;
  }
  const begin = (reader: ChunkReader): undefined => {
    reader.begin(chunk.size, chunk.isLast, refuse(session, reader, chunk));
    session.readBody(reader);
  };
  if (transaction.bdat !== undefined) return begin(transaction.bdat);
  return judge(session, transaction).then(async (refusal) => {
    if (refusal !== undefined) {
      session.readBody(new RefusedChunkReader(chunk.size, refusal));
      return undefined;
    }
    transaction.bdat = new BdatReader(session, transaction, await openMessage(session, transaction));
    return begin(transaction.bdat);
  });
}

/** The first chunk is what DATA is. */
async function judge(session: Conversation, transaction: Transaction): Promise<SmtpReply | undefined> {
  const refusal = await session.parts.policy.checkData(requestOf(transaction, session.asker, 'BDAT'));
  if (refusal !== undefined) session.logReject('BDAT', refusal, rejectedEnvelope(transaction));
  return refusal ?? (await session.filters?.data(transaction, rejectedEnvelope(transaction)));
}

function refuse(
  session: Conversation,
  reader: ChunkReader,
  chunk: { size: number; isLast: boolean },
): SmtpReply | undefined {
  // Without this a client could go on for ever with chunks of nothing.
  if (chunk.size === 0 && !chunk.isLast) {
    session.log.warning(`null BDAT request from ${session.clientText}`);
    return replies.nullBdat;
  }
  const { messageSizeLimit } = session.options;
  if (messageSizeLimit === 0 || reader.size + chunk.size <= messageSizeLimit) return undefined;
  session.log.warning(`BDAT request from ${session.clientText} exceeds message size limit`);
  return replies.chunkTooBig;
}
