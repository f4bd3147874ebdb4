// The little SMTP that a client hears who failed a test whose action is `enforce`: it may say whom its mail is for, which
// is logged, and every recipient is refused. Replies, log lines and limits are those of postscreen(8)'s engine; STARTTLS is
// not offered, and nothing of ours but a line at a time is spent on it.

import type { ScreenOptions } from '../../access/screen-rules.ts';
import type { ProgramLog } from '../../lib/log.ts';
import { printable } from '../../smtp/command-line.ts';
import { endsSession, formatReply, replies, reply, type SmtpReply } from '../../smtp/reply.ts';
import type { Wire } from '../wire.ts';

export interface ScreenDialogOptions {
  readonly rules: ScreenOptions;
  /** `[192.0.2.7]:41230`. */
  readonly client: string;
  readonly log: ProgramLog;
  /** What every recipient hears. */
  readonly refusal: SmtpReply;
  /** A client that has spoken before the greeting hears none (postscreen(8)). */
  readonly greets: boolean;
}

const unknownCommand = reply(502, '5.5.2', 'Error: command not recognized');
const notImplemented = reply(502, '5.5.1', 'Error: command not implemented');

export class ScreenDialog {
  readonly #options: ScreenDialogOptions;
  readonly #wire: Wire;
  readonly #onEnd: () => void;
  #timer: NodeJS.Timeout | undefined;
  #helo = '';
  #isExtended = false;
  #sender: string | undefined;
  #commands = 0;
  #where = 'CONNECT';
  #isOver = false;

  constructor(options: ScreenDialogOptions, wire: Wire, onEnd: () => void) {
    this.#options = options;
    this.#wire = wire;
    this.#onEnd = onEnd;
  }

  start(): void {
    if (this.#options.greets) this.#say(reply(220, '', this.#options.rules.banner));
    this.run();
  }

  run(): void {
    const { client, rules, log } = this.#options;
    while (!this.#isOver) {
      const line = this.#wire.takeLine(rules.lineLimit);
      if (line === undefined) break;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      if (line.kind === 'too-long') {
        log.info(`COMMAND LENGTH LIMIT from ${client} after ${this.#where}`);
        return this.#end();
      }
      if (++this.#commands > rules.commandLimit) {
        log.info(`COMMAND COUNT LIMIT from ${client} after ${this.#where}`);
        return this.#sayLast(`421 ${rules.hostname} Service unavailable - try again later\r\n`);
      }
      this.#perform(line.kind === 'line' ? line.text : '');
    }
    if (this.#isOver) return;
    this.#wire.flush();
    if (this.#wire.isInputOver) return this.lost();
    this.#timer ??= setTimeout(() => {
      log.info(`COMMAND TIME LIMIT from ${client} after ${this.#where}`);
      this.#sayLast(`421 4.4.2 ${rules.hostname} Error: timeout exceeded\r\n`);
    }, rules.commandTime);
  }

  /** The client has gone. */
  lost(): void {
    if (this.#isOver) return;
    if (this.#where !== 'QUIT') this.#options.log.info(`HANGUP from ${this.#options.client} after ${this.#where}`);
    this.#end();
  }

  close(): void {
    this.#sayLast(`421 4.3.2 ${this.#options.rules.hostname} Service shutting down\r\n`);
  }

  #perform(line: string): void {
    const [, word = '', rest = ''] = /^\s*(\S*)\s*(.*?)\s*$/.exec(line) ?? [];
    const verb = word.toUpperCase();
    const { client, log } = this.#options;
    const answer = this.#answer(verb, rest);
    if (/^[A-Z]{4,8}$/.test(verb) && answer !== undefined && answer !== unknownCommand) this.#where = verb;
    if (answer !== undefined) return this.#say(answer);
    // What follows DATA would be the message, and there is nobody for it.
    log.info(`${verb} without valid RCPT from ${client}`);
    if (verb === 'BDAT') return this.#sayLast('554 5.5.1 Error: need MAIL command\r\n');
    this.#sayLast(formatReply(this.#sender === undefined ? replies.needRcpt : replies.noValidRecipients));
  }

  /** Undefined: the command ends the session. */
  #answer(verb: string, rest: string): SmtpReply | undefined {
    const { rules, refusal } = this.#options;
    switch (verb) {
      case 'HELO':
      case 'EHLO':
        if (rest === '') return verb === 'EHLO' ? replies.ehloSyntax : replies.heloSyntax;
        this.#helo = printable(rest);
        this.#isExtended = verb === 'EHLO';
        this.#sender = undefined;
        return verb === 'EHLO' ? this.#capabilities() : reply(250, '', rules.hostname);
      case 'MAIL':
        return this.#mail(rest);
      case 'RCPT':
        return this.#rcpt(rest);
      case 'RSET':
        this.#sender = undefined;
        return reply(250, '2.0.0', 'Ok');
      case 'NOOP':
        return reply(250, '2.0.0', 'Ok');
      case 'VRFY':
        return rules.vrfyDisabled ? replies.vrfyDisabled : refusal;
      case 'ETRN':
        return reply(458, '', 'Unable to queue messages');
      case 'STARTTLS':
        return notImplemented;
      case 'QUIT':
        return replies.bye;
      case 'DATA':
      case 'BDAT':
        return undefined;
      default:
        return unknownCommand;
    }
  }

  #capabilities(): SmtpReply {
    const { hostname, messageSizeLimit, vrfyDisabled } = this.#options.rules;
    const size = messageSizeLimit > 0 ? `SIZE ${messageSizeLimit}` : 'SIZE';
    const lines = [hostname, size, ...(vrfyDisabled ? [] : ['VRFY']), 'ETRN', 'ENHANCEDSTATUSCODES', '8BITMIME', 'DSN'];
    return reply(250, '', [...lines, 'SMTPUTF8', 'CHUNKING'].join('\n'));
  }

  #mail(rest: string): SmtpReply {
    if (this.#options.rules.heloRequired && this.#helo === '') return replies.sendHelo;
    if (this.#sender !== undefined) return replies.nestedMail;
    const path = /^FROM:\s*(\S.*)$/i.exec(rest)?.[1];
    if (path === undefined) return replies.mailSyntax;
    this.#sender = shownPath(path);
    return replies.senderOk;
  }

  #rcpt(rest: string): SmtpReply {
    const { client, log, refusal } = this.#options;
    if (this.#sender === undefined) return replies.needMail;
    const path = /^TO:\s*(\S.*)$/i.exec(rest)?.[1];
    if (path === undefined) return replies.rcptSyntax;
    const text = formatReply(refusal).trimEnd();
    const protocol = this.#isExtended ? 'ESMTP' : 'SMTP';
    log.info(
      `NOQUEUE: reject: RCPT from ${client}: ${text}; from=<${this.#sender}>, to=<${shownPath(path)}>, proto=${protocol}, helo=<${this.#helo}>`,
    );
    return refusal;
  }

  #say(answer: SmtpReply): void {
    this.#wire.write(formatReply(answer));
    if (endsSession(answer)) this.#end();
  }

  #sayLast(text: string): void {
    if (this.#isOver) return;
    this.#wire.write(text);
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#wire.end(this.#where !== 'QUIT');
    this.#onEnd();
  }
}

/** As far as the log shows it: nobody keeps to the syntax who ends here. */
function shownPath(path: string): string {
  const inner = /^<([^>]*)>/.exec(path)?.[1] ?? (path.split(/\s/, 1)[0] as string);
  return printable(inner).slice(0, 320);
}
