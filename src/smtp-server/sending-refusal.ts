// What a user hears who has sent as much as may be sent within a day: to try again later. The limit frees itself by
// the hour (defence/sending-limits.ts).

import type { Exceeded } from '../defence/sending-limits.ts';
import { reply, type SmtpReply } from '../smtp/reply.ts';
import type { Conversation } from './conversation.ts';

/** Undefined where one more message to so many recipients may be sent, and for whoever has not logged in. */
export function sendingRefusal({ login, parts }: Conversation, recipients: number): SmtpReply | undefined {
  if (login === undefined) return undefined;
  const exceeded = parts.senders?.check(login, recipients);
  return exceeded === undefined ? undefined : exceededReply(login, exceeded);
}

export function exceededReply(login: string, { what, limit }: Exceeded): SmtpReply {
  return reply(450, '4.7.1', `Error: ${login} may send ${limit} ${what} within 24 hours: try again later`);
}
