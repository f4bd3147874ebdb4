// What a client hears when a command has thrown: what the command meant to say, that something cannot be found out now,
// or that we have made a mistake. The log has the details.

import { TemporaryError } from '../lib/temporary-error.ts';
import { hostReplies, replies, reply, SmtpError, type SmtpReply } from '../smtp/reply.ts';
import type { Conversation } from './conversation.ts';

export function errorReply(session: Conversation, error: unknown): SmtpReply {
  if (error instanceof SmtpError) return error.reply;
  if (!(error instanceof TemporaryError)) return panicReply(session, error);
  session.log.warning(`${session.where} from ${session.clientText}: ${error.message}`);
  // As cleanup(8) says where a table fails at the end of the data.
  return session.where === 'END-OF-MESSAGE' ? replies.queueFileWriteError : replies.temporaryLookupFailure;
}

/** What ends the session: a command line that cannot be filtered, or a mistake of ours. */
export function fatalReply(session: Conversation, error: unknown): SmtpReply {
  if (!(error instanceof TemporaryError)) return panicReply(session, error);
  session.log.warning(`smtpd_command_filter: ${error.message}`);
  return reply(421, '4.3.0', `${session.options.hostname} Server local data error`);
}

/** A broken invariant: the session is closed with 421, the log says that it is ours. */
function panicReply({ options, parts, where, clientText }: Conversation, error: unknown): SmtpReply {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  parts.log.write(options.program, 'panic', `${where} from ${clientText}: ${text}`);
  return hostReplies.serverError(options.hostname);
}
