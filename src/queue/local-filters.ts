// Milters for mail that comes in by no SMTP session (non_smtpd_milters): that of the sendmail command, and notices where
// internal_mail_filter_classes says so. They are told of a client `localhost` that does what an SMTP client would, as
// Postfix's cleanup(8) does it (MILTER_README).

import { inspect, type Inspected } from '../milter/inspect.ts';
import type { Log } from '../lib/log.ts';
import { ProgramLog } from '../lib/log.ts';
import type { Answer } from '../milter/answer.ts';
import { MilterChain } from '../milter/chain.ts';
import { type HeaderChecks, headerActionLine } from '../milter/header-checks.ts';
import type { MacroOptions, MilterOptions } from '../milter/options.ts';
import type { ContentWriter } from '../mailstore/types.ts';
import { replyText, statusText, type SmtpReply, reply } from '../smtp/reply.ts';

export interface LocalFilterOptions {
  readonly milters: readonly MilterOptions[];
  readonly macros: MacroOptions;
  readonly checks: HeaderChecks;
  readonly headerSizeLimit: number;
  /** message_size_limit; 0: none. */
  readonly sizeLimit: number;
  readonly log: Log;
  /** `postfix/cleanup`. */
  readonly program: string;
}

export interface LocalMessage {
  readonly queueId: string;
  /** External form, as is that of the recipients. */
  readonly sender: string;
  readonly recipients: readonly string[];
  /** Everything has been written to it. */
  readonly writer: ContentWriter;
  readonly newWriter: () => ContentWriter;
}

export type LocalVerdict =
  | (Inspected & { readonly kind: 'accepted' })
  | { readonly kind: 'discarded' }
  | { readonly kind: 'refused'; readonly reply: SmtpReply };

const client = { name: 'localhost', address: '127.0.0.1', port: 0 };
const misconfigured = reply(451, '4.3.5', 'Server configuration error');
const closing = reply(421, '4.7.0', 'Server closing connection');

export class LocalFilters {
  readonly #options: LocalFilterOptions;

  constructor(options: LocalFilterOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#options.milters.length === 0;
  }

  /** Throws TemporaryError or StoreFullError. */
  async inspect(message: LocalMessage): Promise<LocalVerdict> {
    return await new Inspection(this.#options, message).run();
  }
}

/** One message on its way. */
class Inspection {
  readonly #options: LocalFilterOptions;
  readonly #message: LocalMessage;
  readonly #chain: MilterChain;
  #recipient: string | undefined;
  #isHeld = false;

  constructor(options: LocalFilterOptions, message: LocalMessage) {
    this.#options = options;
    this.#message = message;
    const { milters, macros, log, program } = options;
    this.#chain = new MilterChain({
      milters,
      macros,
      source: (name) => this.#macro(name),
      log: new ProgramLog(log, program),
    });
  }

  async run(): Promise<LocalVerdict> {
    try {
      return (await this.#envelope()) ?? (await this.#content());
    } finally {
      this.#chain.close();
    }
  }

  /** What an SMTP client would have said before the data. */
  async #envelope(): Promise<LocalVerdict | undefined> {
    const { sender, recipients } = this.#message;
    const chain = this.#chain;
    const early =
      this.#judge('CONNECT', await chain.connect(client)) ??
      this.#judge('EHLO', await chain.helo(client.name)) ??
      this.#judge('MAIL', await chain.mail([sender]));
    if (early !== undefined) return early;
    for (const recipient of recipients) {
      this.#recipient = recipient;
      const verdict = this.#judge('RCPT', await chain.rcpt([recipient], false));
      if (verdict?.kind === 'refused') return this.#cannotRefuse();
      if (verdict !== undefined) return verdict;
    }
    return this.#judge('DATA', await chain.data());
  }

  /** Nobody is there who could be told of one recipient. */
  #cannotRefuse(): LocalVerdict {
    const { queueId } = this.#message;
    this.#warn(`${queueId}: milter configuration error: can't reject recipient in non-smtpd(8) submission`);
    this.#warn(`${queueId}: deferring delivery of this message`);
    return { kind: 'refused', reply: misconfigured };
  }

  async #content(): Promise<LocalVerdict> {
    const { writer, newWriter, queueId } = this.#message;
    const { checks, log, program } = this.#options;
    const result = await inspect({
      ...this.#options,
      chain: this.#chain,
      reader: await writer.reread(),
      newWriter,
      queueId,
      log: new ProgramLog(log, program),
      checks: checks.begin((action, field, text) => {
        log.write(program, 'info', headerActionLine(this.#line('', 'END-OF-MESSAGE', ''), action, field, text));
      }),
    });
    if (result.kind !== 'accepted') {
      if (result.answer !== undefined) this.#judge('END-OF-MESSAGE', result.answer);
      return result;
    }
    if (result.isQuarantined) this.#judge('END-OF-MESSAGE', { kind: 'hold' });
    return { ...result, isHeld: result.isHeld || this.#isHeld };
  }

  /** Undefined: it goes on. */
  #judge(where: string, answer: Answer | undefined): LocalVerdict | undefined {
    if (answer === undefined) return undefined;
    const tell = (what: string, text: string): void =>
      this.#options.log.write(this.#options.program, 'info', this.#line(what, where, text));
    switch (answer.kind) {
      case 'hold':
        if (!this.#isHeld) tell('milter-hold', 'milter triggers HOLD action');
        this.#isHeld = true;
        return undefined;
      case 'discard':
        tell('milter-discard', 'milter triggers DISCARD action');
        return { kind: 'discarded' };
      case 'shutdown':
        tell('milter-reject', replyText(closing));
        return { kind: 'refused', reply: closing };
      case 'reply':
        tell('milter-reject', statusText(answer.reply));
        return { kind: 'refused', reply: answer.reply };
    }
  }

  #line(what: string, where: string, text: string): string {
    const { queueId, sender } = this.#message;
    const to = this.#recipient === undefined ? '' : ` to=<${this.#recipient}>`;
    return `${queueId}: ${what}: ${where} from ${client.name}[${client.address}]: ${text}; from=<${sender}>${to}`;
  }

  #macro(name: string): string | undefined {
    switch (name) {
      case '{_}':
        return `${client.name} [${client.address}]`;
      case '{client_addr}':
      case '{daemon_addr}':
        return client.address;
      case '{client_name}':
      case '{client_ptr}':
        return client.name;
      case '{client_port}':
        return '0';
      case '{i}':
        return this.#message.queueId;
      case '{mail_addr}':
        return this.#message.sender;
      case '{rcpt_addr}':
        return this.#recipient;
      default:
        return undefined;
    }
  }

  #warn(text: string): void {
    this.#options.log.write(this.#options.program, 'warning', text);
  }
}
