// One client's conversation: its state, the loop that reads it and the one place that replies. What the commands
// mean stands in commands/, one file each; the octets are the wire's.
//
// The loop takes commands from what has arrived for as long as they answer at once. A command that must wait gives a
// promise: the loop stops there and goes on with its result, so commands are answered in order. Replies are gathered and
// written when the input is used up: a pipelined group is answered with one write (RFC 2920 §3.2).
//
// Between DATA and the end of a message, or within a BDAT chunk, a body reader takes the octets in place of commands. A
// message is acknowledged by its body reader only when the queue says that it is durable; a connection that is lost before
// then leaves nothing behind, one that is lost after may make the client send it again, which RFC 5321 §4.5.3.2.6 lives with.
//
// A session is bounded in every direction: lines and recipients by their limits, unread input by pausing the socket, errors
// by smtpd_hard_error_limit, time by a deadline that single octets do not move (deadline.ts). Whatever a command throws is
// our own fault or a trouble of ours: the client hears 4xx, never 5xx.

import type { CommandFilter } from '../access/command-filter.ts';
import type { ClientRights } from '../access/client-rights.ts';
import { ProgramLog } from '../lib/log.ts';
import type { Client, StageDoubts } from '../routing/types.ts';
import { endsSession, formatReply, hostReplies, isRefusal, replies, softened } from '../smtp/reply.ts';
import type { SmtpReply } from '../smtp/reply.ts';
import type { TlsDetails } from '../tls/server-tls.ts';
import { Admission } from './admission.ts';
import { askerOf } from './asker.ts';
import type { BodyReader } from './body-reader.ts';
import type { Command, RunningCommand } from './command.ts';
import { commandsOf } from './commands.ts';
import type { CommandResult, Conversation, LineConsumer } from './conversation.ts';
import { CommandCounts } from './command-counts.ts';
import { Deadline } from './deadline.ts';
import { errorReply, fatalReply } from './error-reply.ts';
import { ErrorBudget } from './error-budget.ts';
import type { SessionFilters } from './filters.ts';
import type { ServiceOptions } from './options.ts';
import type { SessionClient, SessionParts } from './parts.ts';
import { rejectLine, withFooter } from './reject-line.ts';
import { selectCommand } from './select-command.ts';
import type { ForwardedClient, RejectedEnvelope, Transaction } from './transaction.ts';
import type { Line, Wire } from './wire.ts';

const maxPendingOutput = 16_384;
/** A client that sends commands and never reads replies is not read from beyond this. */
const maxUnsent = 262_144;

export class Session implements Conversation {
  readonly parts: SessionParts;
  readonly options: ServiceOptions;
  readonly log: ProgramLog;
  readonly client: SessionClient;
  readonly wire: Wire;
  readonly deadline: Deadline;
  readonly counts = new CommandCounts();
  readonly errors: ErrorBudget;
  readonly doubts: StageDoubts = {};

  helo = '';
  protocol: 'SMTP' | 'ESMTP' | 'LMTP' = 'SMTP';
  tls: TlsDetails | undefined;
  login: string | undefined;
  loginSenders: readonly string[] | undefined;
  saslMethod: string | undefined;
  transaction: Transaction | undefined;
  isLimitException = false;
  pipelinesTooEarly = false;
  forwarded: ForwardedClient | undefined;
  filters: SessionFilters | undefined;
  where = 'CONNECT';

  readonly #commands: ReadonlyMap<string, Command>;
  readonly #onClose: () => void;
  readonly #admission = new Admission(this);
  #body: BodyReader | undefined;
  #bodyCommand: RunningCommand | undefined;
  #lineConsumer: LineConsumer | undefined;
  #bodyOctets = 0;
  #finished: Transaction | undefined;
  #transactionNumber = 0;
  #isBusy = true;
  #isOver = false;
  #isShuttingDown = false;

  constructor(parts: SessionParts, options: ServiceOptions, client: SessionClient, wire: Wire, onClose: () => void) {
    this.parts = parts;
    this.options = options;
    this.client = client;
    this.wire = wire;
    this.log = new ProgramLog(parts.log, options.program, parts.newSession?.());
    this.deadline = new Deadline(parts.clock, options.timeout, options.minDataRate);
    this.errors = new ErrorBudget(options);
    this.#commands = commandsOf(options.protocol);
    this.#onClose = onClose;
  }

  get clientText(): string {
    const { name, address, port } = this.client;
    return this.options.portLogging ? `${name}[${address}]:${port ?? 'unknown'}` : `${name}[${address}]`;
  }

  get asker(): Client {
    return askerOf(this);
  }

  get rights(): ClientRights {
    return this.#admission.rights;
  }

  get isDenied(): boolean {
    return this.#admission.isDenied;
  }

  get commandNames(): string[] {
    return [...this.#commands.keys()];
  }

  get concerned(): Transaction | undefined {
    return this.transaction ?? this.#finished;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Greets the client and begins to read. */
  async start(): Promise<void> {
    const greeting = await this.#admission.admit();
    if (this.#isOver) return;
    await this.#answer(greeting);
    this.#resume();
  }

  greetAgain(): Promise<SmtpReply> {
    return this.#admission.readmit();
  }

  nextTransactionNumber(): number {
    return this.#transactionNumber++;
  }

  /** There may be something to do: input has arrived, or a wait is over. */
  run(): void {
    while (!this.#isBusy && !this.#isOver) {
      if (this.#isShuttingDown) {
        this.#finish(hostReplies.shuttingDown(this.options.hostname));
        return;
      }
      if (this.errors.isSpent) {
        this.#finish(hostReplies.tooManyErrors(this.options.hostname), 'too many errors');
        return;
      }
      const step = this.#body === undefined ? this.#stepLine() : this.#stepBody(this.#body);
      if (step === 'more') continue;
      if (step === 'wait') {
        this.wire.flush();
        if (this.wire.isInputOver) this.lost();
        return;
      }
      this.#waitFor(step);
    }
  }

  readonly #resume = (): void => {
    this.#isBusy = false;
    this.run();
  };

  #waitFor(step: Promise<unknown>): void {
    this.#isBusy = true;
    // Only the wait for the client is timed: our own troubles have their own limits.
    if (!this.wire.isHandshaking) this.deadline.stop();
    step.then(this.#resume, (error: unknown) => this.#finish(fatalReply(this, error)));
  }

  #stepLine(): 'more' | 'wait' | Promise<unknown> {
    if (this.wire.unsent > maxUnsent) {
      this.deadline.startLine();
      return 'wait';
    }
    const limit = this.#lineConsumer === undefined ? this.options.lineLengthLimit : this.options.saslResponseLimit;
    const line = this.wire.takeLine(limit);
    if (line === undefined) {
      this.deadline.startLine();
      return 'wait';
    }
    this.deadline.stop();
    if (line.kind === 'bare-line-feed') {
      const { hostname, bareLineFeedCode } = this.options;
      this.#finish(hostReplies.bareLineFeed(hostname, bareLineFeedCode), 'bare <LF> received');
      return 'more';
    }
    return this.#perform(line) ?? 'more';
  }

  /** Runs one command line; a promise where it is not done at once. */
  #perform(line: Exclude<Line, { kind: 'bare-line-feed' }>, isFiltered = false): undefined | Promise<void> {
    const consumer = this.#lineConsumer;
    this.#lineConsumer = undefined;
    if (consumer !== undefined) {
      const running = { name: 'auth', command: this.#commands.get('AUTH') };
      if (line.kind === 'too-long') return this.#count(running, replies.saslResponseTooLong);
      return this.#settle(running, () => consumer(line.kind === 'line' ? line.text : ''));
    }
    const { commandFilter } = this.parts.policy;
    if (!isFiltered && line.kind === 'line' && commandFilter?.isEmpty === false)
      return this.#filter(line, commandFilter);
    const selection = selectCommand(this, this.#commands, line);
    switch (selection.kind) {
      case 'end':
        this.#finish(selection.reply);
        return undefined;
      case 'answer':
        return this.#count(selection, selection.reply);
      case 'run':
        return this.#settle(selection, () => selection.command.run(this, selection.rest));
    }
  }

  async #filter(line: Line & { kind: 'line' }, filter: CommandFilter): Promise<void> {
    const text = await filter.replacement(line.text);
    if (text === undefined) return await this.#perform(line, true);
    this.log.info(`${this.clientText}: replacing command "${line.text}" with "${text}"`);
    await this.#perform({ kind: 'line', text }, true);
  }

  #settle(running: RunningCommand, run: () => CommandResult | Promise<CommandResult>): undefined | Promise<void> {
    let result: CommandResult | Promise<CommandResult>;
    try {
      result = run();
    } catch (error) {
      return this.#count(running, errorReply(this, error));
    }
    if (!(result instanceof Promise)) return this.#count(running, result);
    return result.then(
      (reply) => this.#count(running, reply),
      (error: unknown) => this.#count(running, errorReply(this, error)),
    );
  }

  /** Replies and keeps the books. Without a reply the command goes on: with a body, or the client's next line. */
  #count(running: RunningCommand, reply: CommandResult): undefined | Promise<void> {
    if (this.#body !== undefined && this.#bodyCommand === undefined) {
      this.#bodyCommand = running;
      return reply === undefined ? undefined : this.#answer(reply);
    }
    if (this.#lineConsumer !== undefined) return reply === undefined ? undefined : this.#answer(reply);
    if (reply === undefined) return undefined;
    this.counts.count(running.name, !isRefusal(reply) && running.command?.restartsSession !== true);
    if (running.command?.isJunk === true) this.errors.countJunk();
    if (isRefusal(reply) && reply !== replies.tooManyRecipients) return this.#reject(reply);
    return this.#answer(reply);
  }

  #reject(reply: SmtpReply): undefined | Promise<void> {
    const answered = this.#answer(reply);
    this.errors.countError();
    return answered;
  }

  /** Puts one reply out; late where the client has made too many errors, to slow it down. */
  #answer(given: SmtpReply): undefined | Promise<void> {
    const soft = this.options.softBounce ? softened(given) : given;
    const footer = isRefusal(soft) ? this.parts.policy.footer : undefined;
    const reply = footer === undefined || footer.isEmpty ? soft : withFooter(this, footer, soft);
    const { delay } = this.errors;
    if (delay === 0 && !(reply instanceof Promise)) return this.#put(reply);
    this.wire.flush();
    const late = delay > 0 ? this.parts.sleep(delay).then(() => reply) : Promise.resolve(reply);
    return late.then((answer) => this.#put(answer));
  }

  #put(reply: SmtpReply): undefined {
    this.wire.write(formatReply(reply));
    if (this.wire.pendingOutput > maxPendingOutput) this.wire.flushNow();
    if (endsSession(reply)) this.close();
  }

  readBody(reader: BodyReader): void {
    this.#body = reader;
    this.#bodyCommand = undefined;
    this.#bodyOctets = 0;
    this.deadline.startBody();
  }

  readLine(consumer: LineConsumer): void {
    this.#lineConsumer = consumer;
  }

  #stepBody(body: BodyReader): 'more' | 'wait' | Promise<unknown> {
    if (body.isComplete) return this.#finishBody(body);
    const chunk = this.wire.takeChunk();
    if (chunk === undefined) {
      this.deadline.resume();
      return 'wait';
    }
    const end = body.read(chunk, 0);
    this.#bodyOctets += end;
    this.deadline.received(end);
    if (end < chunk.length) this.wire.giveBack(chunk.subarray(end));
    return body.takeWaiting() ?? 'more';
  }

  async #finishBody(body: BodyReader): Promise<void> {
    const running = this.#bodyCommand as RunningCommand;
    this.#finished = this.transaction;
    if (this.where === 'DATA') this.where = 'END-OF-MESSAGE';
    this.#body = undefined;
    const results = await body.finish().catch((error: unknown) => [errorReply(this, error)]);
    const isRefused = results.every(isRefusal);
    this.counts.count(running.name, !isRefused);
    for (const reply of results) await this.#answer(reply);
    this.#finished = undefined;
    if (isRefused) this.errors.countError();
  }

  sayNow(reply: SmtpReply): void {
    this.wire.write(formatReply(reply));
    this.wire.flush();
  }

  sayLast(reply: SmtpReply): void {
    this.#finish(reply);
  }

  forgetIntroduction(): void {
    this.resetTransaction();
    this.helo = '';
    this.login = this.loginSenders = this.saslMethod = undefined;
  }

  endTransaction(): void {
    this.transaction = undefined;
    this.forwarded = undefined;
  }

  resetTransaction(): void {
    this.transaction?.bdat?.abort();
    if (this.transaction !== undefined) this.filters?.abort();
    this.endTransaction();
  }

  logReject(where: string, reply: SmtpReply, envelope: RejectedEnvelope): void {
    this.log.info(rejectLine(this, where, this.options.softBounce ? softened(reply) : reply, envelope));
  }

  /** Asks the session to end: at once when it waits for its client, else when what runs is done. */
  shutDown(): void {
    this.#isShuttingDown = true;
    if (this.wire.isHandshaking) this.lost();
    else this.run();
  }

  /** Ends the session with a last reply; `reason` is for the log, as `timeout`. */
  #finish(reply: SmtpReply, reason?: string): void {
    if (this.#isOver) return;
    if (reason !== undefined) this.#logEnd(reason);
    this.wire.write(formatReply(reply));
    this.close();
  }

  /** Ends the session after what has been said. */
  close(): void {
    if (this.#isOver) return;
    this.wire.end(this.where !== 'QUIT');
    this.#end();
  }

  /** The client took too long. */
  timedOut(): void {
    if (this.wire.isHandshaking) this.lost('timeout');
    else this.#finish(hostReplies.timeout(this.options.hostname), 'timeout');
  }

  /** The connection is gone. What runs goes on to its end, unheard. */
  lost(reason = 'lost connection'): void {
    if (this.#isOver) return;
    this.#logEnd(reason);
    this.wire.destroy();
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.deadline.stop();
    if (this.#body !== undefined) {
      this.#body.abort();
      if (this.#bodyCommand !== undefined) this.counts.count(this.#bodyCommand.name, false);
    }
    this.resetTransaction();
    this.log.info(`disconnect from ${this.clientText}${this.counts.summary()}`);
    this.#onClose();
  }

  #logEnd(reason: string): void {
    const octets = this.#body === undefined ? '' : ` (${this.#bodyOctets} bytes)`;
    this.log.info(`${reason} after ${this.where}${octets} from ${this.clientText}`);
  }
}
