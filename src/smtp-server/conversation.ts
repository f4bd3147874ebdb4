// A session as its commands see it: the state they read and set, and the few things they may do. The commands and
// readers know this and not the session, which knows them.

import type { ClientRights } from '../access/client-rights.ts';
import type { ProgramLog } from '../lib/log.ts';
import type { Client, StageDoubts } from '../routing/types.ts';
import type { SmtpReply } from '../smtp/reply.ts';
import type { TlsDetails } from '../tls/server-tls.ts';
import type { BodyReader } from './body-reader.ts';
import type { CommandCounts } from './command-counts.ts';
import type { Deadline } from './deadline.ts';
import type { ErrorBudget } from './error-budget.ts';
import type { SessionFilters } from './filters.ts';
import type { ServiceOptions } from './options.ts';
import type { SessionClient, SessionParts } from './parts.ts';
import type { ForwardedClient, RejectedEnvelope, Transaction } from './transaction.ts';
import type { Wire } from './wire.ts';

/** A reply, or nothing where the command set a body reader or spoke for itself. */
export type CommandResult = SmtpReply | undefined;

/** Takes the next line in place of the command table: the answer to a SASL challenge. */
export type LineConsumer = (line: string) => CommandResult | Promise<CommandResult>;

export interface Conversation {
  readonly parts: SessionParts;
  readonly options: ServiceOptions;
  readonly log: ProgramLog;
  readonly client: SessionClient;
  readonly wire: Wire;
  readonly deadline: Deadline;
  readonly counts: CommandCounts;
  readonly errors: ErrorBudget;
  /** `name[address]`, as every log line names the client. */
  readonly clientText: string;
  /** Who asks, for routing and access. */
  readonly asker: Client;
  /** What earlier commands have left (smtpd_delay_reject = no). */
  readonly doubts: StageDoubts;
  readonly commandNames: readonly string[];
  readonly isOver: boolean;
  /** smtpd_client_event_limit_exceptions. */
  readonly isLimitException: boolean;
  readonly rights: ClientRights;
  /** Refused at the connection: only QUIT is left. */
  readonly isDenied: boolean;
  /** Milters of this session; undefined: none. */
  filters: SessionFilters | undefined;
  /** XFORWARD: who sent the message that comes next. */
  forwarded: ForwardedClient | undefined;
  /** It has sent something behind a command that must be the last of a group. */
  pipelinesTooEarly: boolean;

  /** As given, printable; '' before the greeting. */
  helo: string;
  protocol: 'SMTP' | 'ESMTP' | 'LMTP';
  tls: TlsDetails | undefined;
  login: string | undefined;
  /** The only envelope senders that the login may use; undefined: it has no limit of its own. */
  loginSenders: readonly string[] | undefined;
  saslMethod: string | undefined;
  transaction: Transaction | undefined;
  /** Of which the reply that goes out now tells: at the end of a message its transaction is over already. */
  readonly concerned: Transaction | undefined;
  /** What Postfix calls `where`: the last command, for the log. */
  where: string;

  /** From here on `reader` takes the octets until it is complete. */
  readBody(reader: BodyReader): void;
  /** The next line goes to `consumer`. */
  readLine(consumer: LineConsumer): void;
  /** Puts a reply on the wire at once: the wire is about to change under it. */
  sayNow(reply: SmtpReply): void;
  /** A reply that ends the session. */
  sayLast(reply: SmtpReply): void;
  /** Counts the transactions of this session. */
  nextTransactionNumber(): number;
  /** The transaction has become a message, or has failed as one. */
  endTransaction(): void;
  /** Forgets the transaction and what was received of its message (RSET, EHLO, a lost connection). */
  resetTransaction(): void;
  /** After XCLIENT the session begins again. */
  greetAgain(): Promise<SmtpReply>;
  /** After STARTTLS: the client has told us nothing (RFC 3207 §4.2). */
  forgetIntroduction(): void;
  /** Logs that a sender, a recipient or a message was refused. */
  logReject(where: string, reply: SmtpReply, envelope: RejectedEnvelope): void;
  /** The connection is of no use any more. */
  lost(reason?: string): void;
}
