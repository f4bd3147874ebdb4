// MAIL (RFC 5321 §4.1.1.2): begins a transaction with the sender and what is to be done with the message.

import { printable } from '../../smtp/command-line.ts';
import { parseMailParameters, isReply } from '../../smtp/parameters.ts';
import { hasForeignDomain } from '../../smtp/path.ts';
import { isRefusal, replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import { maySendAs } from '../../auth/directory-accounts.ts';
import { noActions } from '../../access/message-actions.ts';
import { offersParameters } from '../offers.ts';
import { readPath } from '../read-path.ts';
import type { Conversation } from '../conversation.ts';
import { sendingRefusal } from '../sending-refusal.ts';

/** Postfix's rule: as much free space as one and a half of the largest message (smtpd_check_queue). */
const freeSpaceFactor = 1.5;

export function mail(session: Conversation, rest: string): SmtpReply | Promise<SmtpReply> {
  const { options, parts } = session;
  if (session.helo === '' && (options.heloRequired || options.protocol === 'lmtp')) return replies.sendHelo;
  if (session.transaction !== undefined) return replies.nestedMail;
  const result = readPath(session, 'FROM', rest);
  if (result.kind === 'bad-command') return replies.mailSyntax;
  if (exceedsRate(session)) return reply(450, '4.7.1', `Error: too much mail from ${session.clientText}`);
  if (result.kind === 'bad-address') return replies.badSender;

  const parameters = parseMailParameters(result.path.parameters, offersParameters(session));
  if (isReply(parameters)) return parameters;
  const { address } = result.path;
  if (parameters.verp !== undefined && address === '') {
    return reply(503, '5.5.4', 'Error: XVERP requires non-null sender');
  }
  if (options.strictSmtputf8 && !parameters.smtputf8 && !isAscii(address)) return replies.needSmtpUtf8;
  if (!parameters.smtputf8 && hasForeignDomain(address)) return replies.badSender;
  const refusal =
    checkLoginSender(session, address) ?? checkSpace(session, parameters.size) ?? sendingRefusal(session, 1);
  if (refusal !== undefined) {
    session.logReject('MAIL', refusal, { sender: address });
    return refusal;
  }
  const actions = noActions();
  const instance = nextInstance(session);
  const request = { actions, instance, size: parameters.size };
  return parts.policy.checkSender(address, session.asker, undefined, request).then(async (verdict) => {
    if (verdict !== undefined && isRefusal(verdict)) {
      session.logReject('MAIL', verdict, { sender: address });
      return verdict;
    }
    const filtered = await session.filters?.mail(address, result.path.parameters, actions);
    if (filtered !== undefined) {
      session.filters?.abort();
      return filtered;
    }
    session.transaction = {
      sender: address,
      parameters,
      arrival: parts.clock.now(),
      recipients: [],
      actions,
      instance,
      queueId: undefined,
      overshoot: 0,
      bdat: undefined,
    };
    return replies.senderOk;
  });
}

/** What an app password is limited to, whatever the restrictions allow; in the words of the restriction that does so. */
function checkLoginSender({ login, loginSenders }: Conversation, address: string): SmtpReply | undefined {
  if (loginSenders === undefined || maySendAs(loginSenders, address)) return undefined;
  return reply(553, '5.7.1', `<${printable(address)}>: Sender address rejected: not owned by user ${login}`);
}

/** As Postfix makes it: process, seconds, microseconds and a number, in hexadecimal. */
function nextInstance(session: Conversation): string {
  const now = session.parts.clock.now();
  const microseconds = Math.floor(now % 1000) * 1000;
  const words = [process.pid, Math.floor(now / 1000), microseconds, session.nextTransactionNumber()];
  return words.map((word) => word.toString(16)).join('.');
}

function exceedsRate(session: Conversation): boolean {
  const { messageRateLimit } = session.options;
  if (messageRateLimit === 0 || session.isLimitException) return false;
  const rate = session.parts.limits.count(session.client.address, 'messages');
  if (rate <= messageRateLimit) return false;
  session.log.warning(
    `Message delivery request rate limit exceeded: ${rate} from ${session.clientText} for service ${session.parts.serviceName}`,
  );
  return true;
}

function checkSpace(session: Conversation, size: number): SmtpReply | undefined {
  const { messageSizeLimit, minFree } = session.options;
  if (messageSizeLimit > 0 && size > messageSizeLimit) return replies.sizeExceedsLimit;
  const needed = Math.max(minFree, freeSpaceFactor * messageSizeLimit, size);
  const free = session.parts.freeSpace();
  if (free >= needed) return undefined;
  session.log.warning(
    `not enough free space in mail queue: ${Math.floor(free)} bytes < ${freeSpaceFactor}*message size limit`,
  );
  return replies.noSpace;
}

function isAscii(text: string): boolean {
  return !/[\u0080-\uffff]/.test(text);
}
