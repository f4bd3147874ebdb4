// The client of a session as routing and access know it.

import type { Client } from '../routing/types.ts';
import type { Conversation } from './conversation.ts';

export function askerOf({
  client,
  protocol,
  helo,
  login,
  saslMethod,
  tls,
  pipelinesTooEarly,
  doubts,
}: Conversation): Client {
  return {
    ...client,
    protocol,
    doubts,
    ...(helo === '' ? {} : { helo }),
    ...(login === undefined ? {} : { login, ...(saslMethod === undefined ? {} : { saslMethod }) }),
    ...(tls === undefined ? {} : { tls }),
    ...(pipelinesTooEarly ? { pipelinesTooEarly } : {}),
  };
}
