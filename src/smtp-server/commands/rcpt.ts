// RCPT (RFC 5321 §4.1.1.3): one more recipient, if routing and access agree. The reply is theirs.

import { isReply, parseRcptParameters } from '../../smtp/parameters.ts';
import { hasForeignDomain } from '../../smtp/path.ts';
import { isRefusal, replies, replyText, reply, type SmtpReply } from '../../smtp/reply.ts';
import { RecipientsAhead } from '../../access/recipients-ahead.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import type { RecipientDecision } from '../../routing/types.ts';
import type { RcptParameters } from '../../smtp/parameters.ts';
import { offersParameters } from '../offers.ts';
import { readPath } from '../read-path.ts';
import type { Conversation } from '../conversation.ts';
import { sendingRefusal } from '../sending-refusal.ts';
import { requestOf, type Transaction } from '../transaction.ts';

export function rcpt(session: Conversation, rest: string): SmtpReply | Promise<SmtpReply> {
  const { transaction } = session;
  if (transaction === undefined) return replies.needMail;
  if (transaction.bdat !== undefined) return replies.rcptAfterBdat;
  const result = readPath(session, 'TO', rest);
  if (result.kind === 'bad-command') return replies.rcptSyntax;
  if (exceedsRate(session)) return reply(450, '4.7.1', `Error: too many recipients from ${session.clientText}`);
  if (result.kind === 'bad-address') return replies.badRecipient;
  const parameters = parseRcptParameters(result.path.parameters, offersParameters(session));
  if (isReply(parameters)) return parameters;
  const { address } = result.path;
  if (address === '' || (!transaction.parameters.smtputf8 && hasForeignDomain(address))) return replies.badRecipient;
  const { strictSmtputf8 } = session.options;
  if (strictSmtputf8 && !transaction.parameters.smtputf8 && /[\u0080-\uffff]/.test(address))
    return replies.needSmtpUtf8;
  if (isFull(session, transaction)) return replies.tooManyRecipients;
  return check(session, transaction, address, parameters, result.path.parameters);
}

async function check(
  session: Conversation,
  transaction: Transaction,
  address: string,
  parameters: RcptParameters,
  words: readonly string[],
): Promise<SmtpReply> {
  const { filters } = session;
  const { sender } = transaction;
  const { metrics, clock, senders } = session.parts;
  const exceeded = sendingRefusal(session, transaction.recipients.length + 1);
  if (exceeded !== undefined) {
    session.logReject('RCPT', exceeded, { queueId: transaction.queueId, sender, recipient: address });
    return exceeded;
  }
  const began = clock.monotonic();
  let decision: RecipientDecision;
  try {
    const request = { ...requestOf(transaction, session.asker, 'RCPT'), ahead: aheadOf(session, transaction) };
    decision = await session.parts.policy.checkRecipient(address, request);
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    session.log.warning(`RCPT from ${session.clientText}: <${address}>: ${error.message}`);
    const refusal = reply(451, '4.3.0', `<${address}>: Temporary lookup failure`);
    session.logReject('RCPT', refusal, { queueId: transaction.queueId, sender, recipient: address });
    return refusal;
  }
  metrics?.observe('recipient', clock.monotonic() - began);
  const isDataRefusal = decision.replyStage === 'data' && isRefusal(decision.reply);
  if (isRefusal(decision.reply) && !isDataRefusal) {
    session.logReject('RCPT', decision.reply, { queueId: transaction.queueId, sender, recipient: address });
    await filters?.rcpt(transaction, address, words, decision.reply);
    if (session.login !== undefined) senders?.rejected(session.login);
    return decision.reply;
  }
  const filtered = await filters?.rcpt(transaction, address, words);
  if (filtered !== undefined) return filtered;
  nameTransaction(session, transaction);
  const { deliveries, revision } = decision;
  // As the client wrote it: that is what Received and X-Original-To tell, and a notice names.
  const accepted = { original: address, ...parameters, deliveries, ...(revision === undefined ? {} : { revision }) };
  transaction.recipients.push(isDataRefusal ? { ...accepted, dataRefusal: decision.reply } : accepted);
  return isDataRefusal || replyText(decision.reply) === '250 2.1.5 Ok' ? replies.recipientOk : decision.reply;
}

function aheadOf({ parts, wire }: Conversation, transaction: Transaction): RecipientsAhead | undefined {
  if (parts.policy.ahead?.isWorthwhile !== true || !wire.hasInput) return transaction.ahead;
  transaction.ahead ??= new RecipientsAhead({
    get line() {
      return wire.linesTaken;
    },
    upcoming: (count) => upcoming(wire.peekLines(count)),
  });
  return transaction.ahead;
}

/** The plain ones: what is written in an unusual way is looked at when its turn comes. */
function upcoming(lines: readonly string[]): string[] {
  const addresses: string[] = [];
  for (const line of lines) {
    const [, address] =
      /^RCPT TO:[ \t]*<([^\s<>@"\\:,\u0080-\u00ff]+@[^\s<>@"\\:,\u0080-\u00ff]+)>(?:[ \t]|$)/i.exec(line) ?? [];
    if (address === undefined) break;
    addresses.push(address);
  }
  return addresses;
}

/** The first accepted recipient gives the transaction its queue id, and the log its client line. */
function nameTransaction(session: Conversation, transaction: Transaction): void {
  if (transaction.queueId !== undefined) return;
  transaction.queueId = session.parts.queue.newQueueId();
  const sasl = session.login === undefined ? '' : `, sasl_method=${session.saslMethod}, sasl_username=${session.login}`;
  const { name, address, ident } = session.forwarded ?? {};
  const hasClient = name !== undefined || address !== undefined;
  const from = hasClient ? `, orig_client=${name ?? 'unknown'}[${address ?? 'unknown'}]` : '';
  const origin = `${ident === undefined ? '' : `, orig_queue_id=${ident}`}${from}`;
  session.log.info(`${transaction.queueId}: client=${session.clientText}${sasl}${origin}`);
}

/** Beyond the limit every recipient is refused; beyond the overshoot limit too, each counting as an error. */
function isFull(session: Conversation, transaction: Transaction): boolean {
  const { recipientLimit, recipientOvershootLimit } = session.options;
  if (recipientLimit === 0 || transaction.recipients.length < recipientLimit) return false;
  if (transaction.overshoot++ >= recipientOvershootLimit) session.errors.countError();
  return true;
}

function exceedsRate(session: Conversation): boolean {
  const { recipientRateLimit } = session.options;
  if (recipientRateLimit === 0 || session.isLimitException) return false;
  const rate = session.parts.limits.count(session.client.address, 'recipients');
  if (rate <= recipientRateLimit) return false;
  session.log.warning(
    `Recipient address rate limit exceeded: ${rate} from ${session.clientText} for service ${session.parts.serviceName}`,
  );
  return true;
}
