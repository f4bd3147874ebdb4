// milter_header_checks: tables of patterns for header fields that milters add or change, with the actions of
// header_checks(5). PREPEND is not among them, as in Postfix; INFO and WARN go to the log.

import type { Log } from '../lib/log.ts';
import { splitStatus } from '../routing/listed.ts';
import type { SmtpReply } from '../smtp/reply.ts';
import type { Maps } from '../tables/maps.ts';
import { Decision } from '../routing/decision.ts';

/** What the tables have ordered for a message. */
export interface HeaderOrders {
  isHeld: boolean;
  isDiscarded: boolean;
  /** `transport:nexthop`. */
  filter: string | undefined;
  redirect: string | undefined;
  refusal: SmtpReply | undefined;
}

/** Writes the line of an action: `milter-header-reject: header X: y from client; ...: text`. */
export type HeaderLog = (action: string, what: string, text: string) => void;

/** `about` is a line of Postfix's about the message, without action and text. */
export function headerActionLine(about: string, action: string, field: string, text: string): string {
  const [, queueId = '', from = '', rest = ''] = /^(\S+): : \S+ from (\S+): ;(.*)$/s.exec(about) ?? [];
  const shown = field.replace(/[^\x20-\x7e]/g, '?').slice(0, 60);
  return `${queueId}: milter-header-${action}: header ${shown} from ${from};${rest}: ${text}`;
}

export class HeaderChecks {
  readonly #maps: Maps;
  readonly #log: Log;
  readonly #program: string;

  constructor(maps: Maps, log: Log, program: string) {
    this.#maps = maps;
    this.#log = log;
    this.#program = program;
  }

  /** For one message; undefined where there are no tables. */
  begin(log: HeaderLog): HeaderCheckRun | undefined {
    if (this.#maps.isEmpty) return undefined;
    return new HeaderCheckRun(this.#maps, log, (text) => this.#log.write(this.#program, 'warning', text));
  }
}

export class HeaderCheckRun {
  readonly orders: HeaderOrders = {
    isHeld: false,
    isDiscarded: false,
    filter: undefined,
    redirect: undefined,
    refusal: undefined,
  };
  readonly #maps: Maps;
  readonly #log: HeaderLog;
  readonly #warn: (text: string) => void;
  #isOver = false;

  constructor(maps: Maps, log: HeaderLog, warn: (text: string) => void) {
    this.#maps = maps;
    this.#log = log;
    this.#warn = warn;
  }

  /** The field as it is to stand, or undefined where it is not to. Throws TemporaryError. */
  async check(field: string): Promise<string | undefined> {
    if (this.#isOver) return field;
    const found = await this.#maps.find(new Decision(false), 'milter', field, 'full');
    if (found === undefined) return field;
    const match = /^(\S*)\s*(.*)$/s.exec(found.value.trim());
    const action = (match?.[1] ?? '').toUpperCase();
    const text = match?.[2] ?? '';
    const told = (word: string, detail = text): void => this.#log(word, field, detail);
    switch (action) {
      case 'DUNNO':
      case 'OK':
        return field;
      case 'WARN':
        told('warning');
        return field;
      case 'INFO':
        told('info');
        return field;
      case 'IGNORE':
        return undefined;
      case 'STRIP':
        told('strip');
        return undefined;
      case 'REPLACE':
        if (!/^[!-9;-~]+[ \t]*:/.test(text))
          return this.#misuse(field, `bad REPLACE header text "${text}" in milter_header_checks map`);
        told('replace');
        return text;
      case 'HOLD':
        if (!this.orders.isHeld) told('hold');
        this.orders.isHeld = true;
        return field;
      case 'DISCARD':
        told('discard');
        this.orders.isDiscarded = this.#isOver = true;
        return field;
      case 'FILTER':
        if (!text.includes(':'))
          return this.#misuse(
            field,
            `bad FILTER command ${text} in milter_header_checks map -- need transport:destination`,
          );
        told('filter');
        this.orders.filter = text;
        return field;
      case 'REDIRECT':
        if (!text.includes('@'))
          return this.#misuse(field, `bad REDIRECT target "${text}" in milter_header_checks map -- need user@domain`);
        told('redirect');
        this.orders.redirect = text;
        this.#isOver = true;
        return field;
      case 'REJECT':
        return this.#reject(field, text);
      default:
        return this.#misuse(field, `unsupported command in milter_header_checks map: ${action}`);
    }
  }

  #reject(field: string, text: string): string {
    const split = splitStatus(text, '5.7.1');
    const isLater = split.status.startsWith('4');
    const reason = split.text || 'message content rejected';
    this.#log('reject', field, `${split.status} ${reason}`);
    this.orders.refusal = { code: isLater ? 451 : 550, status: split.status, text: reason };
    this.#isOver = true;
    return field;
  }

  /** A slip in a table is told and passed over, as by cleanup(8). */
  #misuse(field: string, what: string): string {
    this.#warn(what);
    return field;
  }
}
