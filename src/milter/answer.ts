// What a milter says of a client or a message beyond "go on".

import { type SmtpReply, reply } from '../smtp/reply.ts';

export type Answer =
  /** Kept in the queue until somebody releases it. */
  | { readonly kind: 'hold' }
  /** Acknowledged and forgotten. */
  | { readonly kind: 'discard' }
  /** The client is hung up on. */
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'reply'; readonly reply: SmtpReply };

export const refused: Answer = { kind: 'reply', reply: reply(550, '5.7.1', 'Command rejected') };
export const tryLater: Answer = {
  kind: 'reply',
  reply: reply(451, '4.7.1', 'Service unavailable - try again later'),
};
export const misconfigured: Answer = {
  kind: 'reply',
  reply: reply(451, '4.3.5', 'Server configuration problem - try again later'),
};
export const unavailable: Answer = { kind: 'reply', reply: reply(550, '5.5.0', 'Service unavailable') };
