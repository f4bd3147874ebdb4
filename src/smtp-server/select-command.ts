// Which command a line asks for, and the refusals that need no command: the same tests, in the same order, as the
// loop of Postfix's smtpd(8).

import { isHeaderLine, parseCommandLine, printable } from '../smtp/command-line.ts';
import { replies, reply, type SmtpReply } from '../smtp/reply.ts';
import type { Command } from './command.ts';
import type { Conversation } from './conversation.ts';
import type { Line } from './wire.ts';

export type Selection =
  | { readonly kind: 'run'; readonly name: string; readonly command: Command; readonly rest: string }
  /** Refused, or answered without a command; `name` is what the disconnect line counts it under. */
  | { readonly kind: 'answer'; readonly name: string; readonly command?: Command; readonly reply: SmtpReply }
  /** Said last, then the session ends. */
  | { readonly kind: 'end'; readonly reply: SmtpReply };

const unknown = (answer: SmtpReply): Selection => ({ kind: 'answer', name: 'unknown', reply: answer });

export function selectCommand(
  session: Conversation,
  commands: ReadonlyMap<string, Command>,
  line: Exclude<Line, { kind: 'bare-line-feed' }>,
): Selection {
  if (line.kind === 'too-long') return unknown(replies.lineTooLong);
  if (line.kind === 'bad-utf8') return unknown(replies.badUtf8);
  if (line.kind === 'control-character') return unknown(replies.badSyntax);
  const { verb, rest } = parseCommandLine(line.text);
  if (verb === '') return unknown(replies.badSyntax);
  if (session.options.noopCommands.has(verb)) {
    return { kind: 'answer', name: 'noop', command: { run: () => replies.ok, isJunk: true }, reply: replies.ok };
  }
  const command = commands.get(verb);
  if (session.isDenied && verb !== 'QUIT') {
    const denied = reply(503, '5.7.0', `Error: access denied for ${session.clientText}`);
    return { kind: 'answer', name: command === undefined ? 'unknown' : verb.toLowerCase(), reply: denied };
  }
  if (command === undefined) return selectUnknown(session, verb, line.text);
  const standing = session.filters?.otherRefusal(verb);
  if (standing !== undefined) return { kind: 'answer', name: verb.toLowerCase(), command, reply: standing };

  session.where = verb;
  const name = verb.toLowerCase();
  if (session.options.tlsLevel === 'encrypt' && session.tls === undefined && command.beforeTls !== true) {
    return { kind: 'answer', name, command, reply: replies.mustStartTls };
  }
  // Who did not say EHLO has not been told of PIPELINING at all (RFC 2920 §3).
  const waits = command.endsPipeline === true || session.protocol === 'SMTP';
  if (waits && session.wire.hasInput && !session.pipelinesTooEarly) {
    session.pipelinesTooEarly = true;
    const text = printable(session.wire.peekText(100));
    session.log.info(`improper command pipelining after ${verb} from ${session.clientText}: ${text}`);
    if (session.options.forbidUnauthorizedPipelining) return { kind: 'end', reply: replies.protocolSynchronization };
  }
  return { kind: 'run', name, command, rest };
}

function selectUnknown(session: Conversation, verb: string, text: string): Selection {
  session.where = 'UNKNOWN';
  // A browser or proxy that was made to talk to us could otherwise hide commands in what it posts.
  if (!/^[A-Z]/.test(verb) || session.options.forbiddenCommands.has(verb) || isHeaderLine(text)) {
    const protocol = session.options.protocol.toUpperCase();
    session.log.warning(`non-${protocol} command from ${session.clientText}: ${printable(text).slice(0, 100)}`);
    return { kind: 'end', reply: replies.iCanBreakRulesToo };
  }
  const { filters } = session;
  if (filters === undefined) return unknown(replies.unknownCommand);
  const run = async (): Promise<SmtpReply> =>
    (await filters.unknown(text.trim().split(/[ \t]/, 1)[0] ?? '')) ?? replies.unknownCommand;
  return { kind: 'run', name: 'unknown', command: { run }, rest: '' };
}
