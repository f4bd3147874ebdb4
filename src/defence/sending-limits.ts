// How much each user who has logged in has sent within 24 hours, in messages and in recipients, and whether more may
// follow. Counted by the hour, so that the limit frees itself little by little; what is counted survives a restart. Two
// messages at once cannot both take the last place: MAIL and RCPT are warned early, but only `take` at the end of the data
// counts, in one step.

import type { Clock } from '../lib/clock.ts';
import { RecentMap } from '../lib/recent-map.ts';
import type { KeptEntries } from './defence-store.ts';

/** Within 24 hours; 0: no limit. */
export interface DailyLimits {
  readonly messages: number;
  readonly recipients: number;
}

/** By hours since 1970: `[messages, recipients]`. */
export type SentHours = Readonly<Record<string, readonly [number, number]>>;

export interface Exceeded {
  readonly what: 'messages' | 'recipients';
  readonly limit: number;
}

export interface SendingLimitsOptions {
  readonly clock: Clock;
  readonly kept: KeptEntries<SentHours>;
  /** Of this user: its own, or everybody's. */
  readonly limitsOf: (login: string) => DailyLimits;
}

const hourMilliseconds = 3_600_000;
const hours = 24;
const maxCached = 20_000;

export class SendingLimits {
  readonly #options: SendingLimitsOptions;
  readonly #sent = new RecentMap<string, SentHours>(maxCached);

  constructor(options: SendingLimitsOptions) {
    this.#options = options;
  }

  /** Would one more message to so many recipients be too much? Nothing is counted. */
  check(login: string, recipients: number): Exceeded | undefined {
    const limits = this.#options.limitsOf(login);
    if (limits.messages === 0 && limits.recipients === 0) return undefined;
    const sent = this.sent(login);
    if (limits.messages > 0 && sent.messages + 1 > limits.messages) {
      return { what: 'messages', limit: limits.messages };
    }
    if (limits.recipients > 0 && sent.recipients + recipients > limits.recipients) {
      return { what: 'recipients', limit: limits.recipients };
    }
    return undefined;
  }

  /** Counts a message, or says why it is too much. */
  take(login: string, recipients: number): Exceeded | undefined {
    const exceeded = this.check(login, recipients);
    if (exceeded === undefined) this.#add(login, 1, recipients);
    return exceeded;
  }

  /** The message was not accepted after all. */
  giveBack(login: string, recipients: number): void {
    this.#add(login, -1, -recipients);
  }

  /** Within the last 24 hours. */
  sent(login: string): DailyLimits {
    const now = this.#hour();
    let messages = 0;
    let recipients = 0;
    for (const [hour, [sentMessages, sentRecipients]] of Object.entries(this.#of(login))) {
      if (Number(hour) <= now - hours) continue;
      messages += sentMessages;
      recipients += sentRecipients;
    }
    return { messages, recipients };
  }

  #hour(): number {
    return Math.floor(this.#options.clock.now() / hourMilliseconds);
  }

  #add(login: string, messages: number, recipients: number): void {
    const now = this.#hour();
    const recent = Object.entries(this.#of(login)).filter(([hour]) => Number(hour) > now - hours);
    const next = Object.fromEntries(recent);
    const [oldMessages, oldRecipients] = next[now] ?? [0, 0];
    next[now] = [Math.max(0, oldMessages + messages), Math.max(0, oldRecipients + recipients)];
    this.#sent.set(login, next);
    this.#options.kept.put(login, next, (now + hours + 1) * hourMilliseconds);
  }

  #of(login: string): SentHours {
    const known = this.#sent.get(login);
    if (known !== undefined) return known;
    const kept = this.#options.kept.get(login) ?? {};
    this.#sent.set(login, kept);
    return kept;
  }
}
