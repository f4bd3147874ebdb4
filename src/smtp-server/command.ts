// What a row of the command table is.

import type { SmtpReply } from '../smtp/reply.ts';
import type { Session } from './session.ts';

/** A reply, or nothing where the command set a body reader or spoke for itself. */
export type CommandResult = SmtpReply | undefined;

/** Takes the next line in place of the command table: the answer to a SASL challenge. */
export type LineConsumer = (line: string) => CommandResult | Promise<CommandResult>;

export interface Command {
  /** `rest` is what follows the verb, without blanks around it. */
  run(session: Session, rest: string): CommandResult | Promise<CommandResult>;
  /** Allowed where TLS is mandatory and not yet there. */
  readonly beforeTls?: true;
  /** Must be the last of a pipelined group (RFC 2920 §3.1). */
  readonly endsPipeline?: true;
  /** Counts against smtpd_junk_command_limit: it can be repeated for ever without sending mail. */
  readonly isJunk?: true;
}
