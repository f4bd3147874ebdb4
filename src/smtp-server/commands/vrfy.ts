// VRFY (RFC 5321 §3.5): says what RCPT would say, without promising delivery. Refused with disable_vrfy_command.

import { parsePath } from '../../smtp/path.ts';
import { isRefusal, replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { Conversation } from '../conversation.ts';

export function vrfy(session: Conversation, rest: string): SmtpReply | Promise<SmtpReply> {
  const { options, parts } = session;
  if (session.helo === '' && options.heloRequired) return replies.sendHelo;
  if (options.vrfyDisabled) return replies.vrfyDisabled;
  const syntax = options.smtputf8 ? replies.vrfyUtf8Syntax : replies.vrfySyntax;
  const words = rest.split(/[ \t]+/);
  const hasUtf8 = options.smtputf8 && words.length === 2 && words[1]?.toUpperCase() === 'SMTPUTF8';
  if (rest === '') return syntax;
  if (words.length > 1 && !hasUtf8) return replies.badRecipient;
  const result = parsePath('TO', `TO:${words[0]}`);
  if (result.kind !== 'path' || result.path.address === '') return replies.badRecipient;
  const { address } = result.path;
  if (options.strictSmtputf8 && !hasUtf8 && /[\u0080-\uffff]/.test(address)) return replies.needSmtpUtf8;
  return parts.policy.checkRecipient(address, { sender: '', client: session.asker, where: 'VRFY' }).then((decision) => {
    if (isRefusal(decision.reply)) {
      session.logReject('VRFY', decision.reply, { recipient: address });
      return decision.reply;
    }
    return reply(252, '2.0.0', words[0] as string);
  });
}
