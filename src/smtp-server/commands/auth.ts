// AUTH (RFC 4954): whether it may be given at this moment. The exchange itself is auth-exchange.ts's.

import { replies, reply } from '../../smtp/reply.ts';
import type { CommandResult, Conversation } from '../conversation.ts';
import { isDiscarded } from '../offers.ts';
import { beginExchange } from './auth-exchange.ts';

export function auth(session: Conversation, rest: string): CommandResult | Promise<CommandResult> {
  const { options, parts } = session;
  if (session.helo === '' && options.heloRequired) return replies.sendHelo;
  if (!options.saslEnabled || session.rights.isAuthHidden || isDiscarded(session, 'auth'))
    return replies.authNotEnabled;
  if (session.transaction !== undefined) return replies.transactionInProgress;
  if (options.tlsAuthOnly && session.tls === undefined) return replies.encryptionRequired;
  if (session.login !== undefined) return replies.alreadyAuthenticated;
  if (options.authRateLimit > 0 && !session.isLimitException) {
    const rate = parts.limits.count(session.client.address, 'auth');
    if (rate > options.authRateLimit) {
      session.log.warning(
        `AUTH command rate limit exceeded: ${rate} from ${session.clientText} for service ${parts.serviceName}`,
      );
      return reply(450, '4.7.1', `Error: too many AUTH commands from ${session.clientText}`);
    }
  }
  const words = rest === '' ? [] : rest.split(/[ \t]+/);
  if (words.length < 1 || words.length > 2) return replies.authSyntax;
  return beginExchange(session, words[0] as string, words[1]);
}
