// VRFY (RFC 5321 §3.5): says what RCPT would say, without promising delivery. Refused with disable_vrfy_command.

import { parsePath } from '../../smtp/path.ts';
import { isRefusal, replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { Conversation } from '../conversation.ts';

export function vrfy(session: Conversation, rest: string): SmtpReply | Promise<SmtpReply> {
  const { options, parts } = session;
  if (options.vrfyDisabled) return replies.vrfyDisabled;
  const syntax = options.smtputf8 ? replies.vrfyUtf8Syntax : replies.vrfySyntax;
  if (rest === '') return syntax;
  const hasUtf8 = options.smtputf8 && /[ \t]smtputf8$/i.test(rest);
  const given = hasUtf8 ? rest.replace(/[ \t]+smtputf8$/i, '') : rest;
  const result = parsePath('TO', `TO:${given}`);
  if (result.kind !== 'path' || result.path.address === '' || result.path.parameters.length > 0) {
    return replies.badRecipient;
  }
  const { address } = result.path;
  if (options.strictSmtputf8 && !hasUtf8 && /[\u0080-\uffff]/.test(address)) return replies.needSmtpUtf8;
  const { sender, queueId, actions, parameters } = session.transaction ?? {};
  // What has been ordered for the message is not ordered again, and a question orders nothing for it.
  const orders = actions && { actions: { ...actions, bcc: [...actions.bcc], prepended: [...actions.prepended] } };
  const envelope = {
    ...(sender === undefined ? {} : { sender }),
    queueId,
    client: session.asker,
    where: 'VRFY',
    size: parameters?.size ?? 0,
    ...orders,
  };
  return parts.policy.checkRecipient(address, envelope).then((decision) => {
    if (isRefusal(decision.reply)) {
      session.logReject('VRFY', decision.reply, { sender, queueId, recipient: address });
      return decision.reply;
    }
    return reply(252, '2.0.0', given);
  });
}
