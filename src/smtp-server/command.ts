// What a row of the command table is.

import type { CommandResult, Conversation } from './conversation.ts';

export interface Command {
  /** `rest` is what follows the verb, without blanks around it. */
  run(session: Conversation, rest: string): CommandResult | Promise<CommandResult>;
  /** Allowed where TLS is mandatory and not yet there. */
  readonly beforeTls?: true;
  /** Must be the last of a pipelined group (RFC 2920 §3.1). */
  readonly endsPipeline?: true;
  /** Begins the session again: Postfix's disconnect line never counts it as done. */
  readonly restartsSession?: true;
  /** Counts against smtpd_junk_command_limit: it can be repeated for ever without sending mail. */
  readonly isJunk?: true;
}

/** One command in progress, for counting its outcome when a body follows it. */
export interface RunningCommand {
  readonly name: string;
  readonly command?: Command | undefined;
}
