// The milters of one session (smtpd_milters): tells them what the client does, turns what they say into replies and log
// lines as Postfix's smtpd(8) does, and gives them the values of macros. A session without milters has no such object.
//
// A filter's refusal of the client itself does not end the session: the client hears 250 to EHLO, and the refusal at MAIL
// and at whatever else it tries (Sendmail does so, and filters count on it).

import type { Answer } from '../milter/answer.ts';
import { MilterChain } from '../milter/chain.ts';
import {
  type MacroOptions,
  type MilterOptions,
  parseMilters,
  readMacroOptions,
  readMilters,
} from '../milter/options.ts';
import { noMacroContext, type MacroContext, sessionMacro } from './filter-macros.ts';
import { whatsupLine } from '../access/mail-request.ts';
import type { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { formatReply, replyText, reply, type SmtpReply } from '../smtp/reply.ts';
import type { Conversation } from './conversation.ts';
import type { RejectedEnvelope, Transaction } from './transaction.ts';

export interface FilterOptions {
  readonly milters: readonly MilterOptions[];
  readonly macros: MacroOptions;
  /** Reads what smtpd_milter_maps has found. Throws SettingsError. */
  parse(list: string): readonly MilterOptions[];
}

/** Undefined where no message of this service is filtered. Throws SettingsError. */
export function readFilterOptions(
  settings: Pick<Settings, 'text' | 'list' | 'seconds' | 'origin'>,
): FilterOptions | undefined {
  const overrides = settings.list('receive_override_options').map((word) => word.toLowerCase());
  if (overrides.includes('no_milters')) return undefined;
  const milters = readMilters(settings, 'smtpd_milters');
  if (milters.length === 0 && settings.list('smtpd_milter_maps').length === 0) return undefined;
  const macros = readMacroOptions(settings);
  return { milters, macros, parse: (list) => parseMilters(list, settings, 'smtpd_milter_maps') };
}

/** `list`: what smtpd_milter_maps says of the client. Undefined where it cannot be used: then MAIL is put off. */
export function miltersOf(
  filters: FilterOptions,
  list: string | undefined,
  warn: (text: string) => unknown,
): readonly MilterOptions[] | undefined {
  if (list === undefined) return filters.milters;
  try {
    return list.toUpperCase() === 'DISABLE' ? [] : filters.parse(list);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    warn(error.message);
    return undefined;
  }
}

const closing = reply(421, '4.7.0', 'Server closing connection');
/** To MAIL, where it is not known which milters were to see the message. */
export const misconfigured = reply(451, '4.3.5', 'Server configuration problem - try again later');
const hold = 'milter triggers HOLD action';
const discard = 'milter triggers DISCARD action';

/** After milters have refused the client these are refused too, whatever they would say by themselves. */
const otherCommands = new Set(['AUTH', 'STARTTLS', 'VRFY', 'ETRN']);

export class SessionFilters {
  readonly #session: Conversation;
  readonly #chain: MilterChain | undefined;
  #context: MacroContext = noMacroContext;
  #running = 0;
  #isClosing = false;

  private constructor(session: Conversation, filters: FilterOptions, milters: readonly MilterOptions[] | undefined) {
    this.#session = session;
    if (milters === undefined) return;
    this.#chain = new MilterChain({
      milters,
      macros: filters.macros,
      source: (name) => sessionMacro(session, this.#context, name),
      log: session.log,
    });
  }

  /** For a client whose rights are known. */
  static of(session: Conversation): SessionFilters | undefined {
    const { filters } = session.options;
    if (filters === undefined) return undefined;
    const { milters: list } = session.rights;
    const milters = miltersOf(filters, list, (text) => session.log.warning(text));
    return milters?.length === 0 ? undefined : new SessionFilters(session, filters, milters);
  }

  /** The greeting in place of the banner, if any. */
  async connect(): Promise<SmtpReply | undefined> {
    const { client, options } = this.#session;
    const { name, address, port = 0 } = client;
    const refusal = await this.#ask((chain) => chain.connect({ name, address, port }), {});
    if (refusal === undefined) return undefined;
    if (refusal.code === 421) return reply(421, '', `${options.hostname} Service unavailable - try again later`);
    return refusal.code >= 500 ? reply(554, '', `${options.hostname} ESMTP not accepting connections`) : undefined;
  }

  /** Only a filter that hangs up is heard at once. */
  async helo(name: string): Promise<SmtpReply | undefined> {
    const refusal = await this.#ask((chain) => chain.helo(name), {});
    return refusal?.code === 421 ? refusal : undefined;
  }

  /** The client says who it is: what a former greeting has begun is over. */
  introduced(): void {
    if (this.#session.helo !== '') this.abort();
  }

  mail(sender: string, words: readonly string[], actions: Transaction['actions']): Promise<SmtpReply | undefined> {
    this.#context = { sender };
    return this.#ask((chain) => chain.mail([`<${sender}>`, ...words]), { sender }, actions);
  }

  /** `refusal` where it is refused already: filters may want to know. */
  async rcpt(
    transaction: Transaction,
    recipient: string,
    words: readonly string[],
    refusal?: SmtpReply,
  ): Promise<SmtpReply | undefined> {
    const { sender, queueId, actions } = transaction;
    if (actions.isDiscarded) return undefined;
    this.#context = { sender, recipient, queueId, refusal };
    const tell = (chain: MilterChain) => chain.rcpt([`<${recipient}>`, ...words], refusal !== undefined);
    if (refusal === undefined) return await this.#ask(tell, { sender, queueId, recipient }, actions);
    if (this.#chain !== undefined) await this.#busy(tell(this.#chain));
    return undefined;
  }

  data(transaction: Transaction, envelope: RejectedEnvelope): Promise<SmtpReply | undefined> {
    const { sender, queueId, actions } = transaction;
    this.#context = { sender, queueId };
    return this.#ask((chain) => chain.data(), envelope, actions);
  }

  unknown(line: string): Promise<SmtpReply | undefined> {
    const { transaction } = this.#session;
    return this.#ask((chain) => chain.unknown(line), transaction ?? {}, transaction?.actions);
  }

  /** What one of those commands is refused with that filters are not told of. */
  otherRefusal(verb: string): SmtpReply | undefined {
    if (!otherCommands.has(verb) || (verb === 'AUTH' && !this.#session.options.saslEnabled)) return undefined;
    return this.#standingRefusal;
  }

  /** They have refused the client for good. */
  get hasRefused(): boolean {
    return (this.#standingRefusal?.code ?? 0) >= 500;
  }

  get #standingRefusal(): SmtpReply | undefined {
    if (this.#chain === undefined) return misconfigured;
    const { standing } = this.#chain;
    return standing?.kind === 'reply' ? standing.reply : undefined;
  }

  /** Runs a message through the chain; undefined where there is none to run it through. */
  async whole<Result>(transaction: Transaction, run: (chain: MilterChain) => Promise<Result>): Promise<Result> {
    if (this.#chain === undefined) throw new SettingsError('smtpd_milter_maps: no usable milters');
    const { sender, queueId, recipients } = transaction;
    this.#context = { sender, queueId, recipient: recipients.at(-1)?.original };
    return await this.#busy(run(this.#chain));
  }

  /** The transaction is over. */
  abort(): void {
    this.#context = noMacroContext;
    if (this.#running === 0) this.#chain?.abort();
  }

  /** The session is over. What runs goes on to its end: a message must not slip through because its client is gone. */
  close(): void {
    this.#isClosing = true;
    if (this.#running === 0) this.#end();
  }

  #end(): void {
    if (this.#session.helo !== '') this.#chain?.abort();
    this.#chain?.close();
  }

  async #busy<Result>(running: Promise<Result>): Promise<Result> {
    this.#running++;
    try {
      return await running;
    } finally {
      this.#running--;
      if (this.#isClosing && this.#running === 0) this.#end();
    }
  }

  async #ask(
    tell: (chain: MilterChain) => Promise<Answer | undefined>,
    envelope: RejectedEnvelope,
    actions?: Transaction['actions'],
  ): Promise<SmtpReply | undefined> {
    if (actions?.isDiscarded) return undefined;
    if (this.#chain === undefined) return misconfigured;
    const answer = await this.#busy(tell(this.#chain));
    return answer === undefined ? undefined : this.#refusal(answer, envelope, actions);
  }

  /** What the answer is for the client, and its line in the log (smtpd.c, check_milter_reply). */
  #refusal(answer: Answer, envelope: RejectedEnvelope, actions?: Transaction['actions']): SmtpReply | undefined {
    switch (answer.kind) {
      case 'hold':
        if (actions !== undefined) actions.isHeld = true;
        this.#log('milter-hold', hold, envelope);
        return undefined;
      case 'discard':
        if (actions !== undefined) actions.isDiscarded = true;
        this.#log('milter-discard', discard, envelope);
        return undefined;
      case 'shutdown':
        this.#log('milter-reject', replyText(closing), envelope);
        return closing;
      case 'reply':
        this.#log('milter-reject', formatReply(answer.reply).trimEnd(), envelope);
        return answer.reply;
    }
  }

  #log(what: string, text: string, { queueId, sender, recipient }: RejectedEnvelope): void {
    const { asker: client, where, clientText, log } = this.#session;
    log.info(whatsupLine({ client, where, queueId, sender, recipient }, what, text, clientText));
  }
}
