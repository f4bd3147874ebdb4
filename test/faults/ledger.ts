// What the clients of a fault run know: for each numbered message, where it should end and what they were told. The
// judgement compares this with what is found:
//   accepted   250 came                  it ends once at each of its ends, with the right bytes
//   unknown    the dot went, no reply    at all its ends or at none (one transaction)
//   absent     refused, or never sent    nowhere
//   removed    expunged with OK          nowhere; `maybe-removed`: at most once
//
// An end is a mailbox, a Maildir, a notice that names a recipient (each exactly once), or something outside of the server:
// another server or a program. There RFC 5321 §6.1 leaves a window: what the other side has taken and a kill kept from
// being recorded is delivered again. So a second time is forgiven where a cut lies between the two and follows the
// first at once; it is counted all the same.

import { type Arrivals, type Cut, repetitionWidths } from './repetition.ts';

export type Outcome = 'accepted' | 'unknown' | 'absent' | 'removed' | 'maybe-removed';

export const endKinds = ['mailbox', 'maildir', 'smtp', 'lmtp', 'pipe', 'notice'] as const;
export type EndKind = (typeof endKinds)[number];

export interface End {
  readonly kind: EndKind;
  /** Who gets it; of a notice: whom it is about, and who gets it (`noticeAddress`). */
  readonly address: string;
  /** It is there when the client is told 250; other ends are reached when the queue is empty. */
  readonly isPrompt: boolean;
}

export interface NumberedMessage {
  readonly token: string;
  readonly ends: readonly End[];
  /** SHA-256 of the message from its first own header to its end, hex. */
  readonly sha256: string;
  readonly round: number;
  outcome: Outcome;
}

export function inMailbox(address: string): End {
  return { kind: 'mailbox', address, isPrompt: true };
}

export function noticeAddress(about: string, mailbox: string): string {
  return `${about} to ${mailbox}`;
}

/** The token of a copy that is listed and cannot be read. */
export const unreadable = '';

/** Something that was found at an end. */
export interface Arrival {
  readonly token: string;
  readonly kind: EndKind;
  readonly address: string;
  /** Undefined where the end does not show the bytes. */
  readonly sha256?: string;
  /** For people: which copy. */
  readonly where: string;
  /** When, in milliseconds, where the end is outside of the server. */
  readonly at?: number;
}

export interface Judgement {
  /** Messages. */
  readonly accepted: number;
  readonly unknownStored: number;
  readonly unknownNotStored: number;
  /** Ends of messages that got 250, and those of them that were reached. */
  readonly expected: Readonly<Record<EndKind, number>>;
  readonly reached: Readonly<Record<EndKind, number>>;
  /** Second deliveries that RFC 5321 §6.1 allows. */
  readonly again: Readonly<Record<EndKind, number>>;
  /** How long each of their first ones came before the cut that kept it from being recorded, in milliseconds. */
  readonly windows: number[];
  /** One line each; empty when every promise was kept. */
  readonly lost: string[];
  readonly doubled: string[];
  readonly damaged: string[];
  readonly unexpected: string[];
}

export interface JudgeOptions {
  /** The queue is empty: every end must have been reached. */
  readonly isDrained: boolean;
  /** In their order. */
  readonly cuts: readonly Cut[];
}

export class Ledger {
  readonly messages = new Map<string, NumberedMessage>();
  #next = 1;

  /** Registers a message that is about to be sent: until its last byte goes out it must be nowhere. */
  begin(token: string, ends: readonly End[], sha256: string, round: number): NumberedMessage {
    const message: NumberedMessage = { token, ends, sha256, round, outcome: 'absent' };
    this.messages.set(token, message);
    return message;
  }

  nextToken(): string {
    return `token-${this.#next++}`;
  }

  judge(arrivals: readonly Arrival[], options: JudgeOptions = { isDrained: true, cuts: [] }): Judgement {
    const judgement = emptyJudgement();
    const found = new Map<string, Arrival[]>();
    for (const arrival of arrivals) {
      const { token, address, where, sha256 } = arrival;
      const message = this.messages.get(token);
      if (token === unreadable) {
        judgement.damaged.push(`${where} is listed and cannot be read`);
      } else if (!message?.ends.some((end) => end.kind === arrival.kind && end.address === address)) {
        judgement.unexpected.push(`${token} ${where}: nobody sent it there`);
      } else {
        if (sha256 !== undefined && sha256 !== message.sha256)
          judgement.damaged.push(`${token} ${where}: its bytes differ`);
        const key = `${token} ${arrival.kind} ${address}`;
        const list = found.get(key);
        if (list) list.push(arrival);
        else found.set(key, [arrival]);
      }
    }
    for (const message of this.messages.values()) judgeMessage(message, found, judgement, options);
    return judgement;
  }
}

type Mutable<T> = {
  -readonly [K in keyof T]: T[K] extends Readonly<Record<EndKind, number>> ? Record<EndKind, number> : T[K];
};

function emptyJudgement(): Mutable<Judgement> {
  const zero = () => Object.fromEntries(endKinds.map((kind) => [kind, 0])) as Record<EndKind, number>;
  const counts = { accepted: 0, unknownStored: 0, unknownNotStored: 0 };
  const problems = { windows: [], lost: [], doubled: [], damaged: [], unexpected: [] };
  return { ...counts, expected: zero(), reached: zero(), again: zero(), ...problems };
}

function judgeMessage(
  message: NumberedMessage,
  found: Arrivals,
  judgement: Mutable<Judgement>,
  { isDrained, cuts }: JudgeOptions,
): void {
  const { token, outcome, round } = message;
  const ends = message.ends.filter(({ isPrompt }) => isDrained || isPrompt);
  const name = `${token} (round ${round}, ${outcome})`;
  const missing: string[] = [];
  for (const end of ends) {
    const { kind, address } = end;
    const arrivals = found.get(`${token} ${kind} ${address}`) ?? [];
    if (arrivals.length === 0) missing.push(`${kind} ${address}`);
    if (outcome === 'accepted') judgement.expected[kind]++;
    if (outcome === 'accepted' && arrivals.length > 0) judgement.reached[kind]++;
    if (arrivals.length < 2) continue;
    const widths = repetitionWidths(arrivals, cuts);
    if (widths) {
      judgement.again[kind] += widths.length;
      judgement.windows.push(...widths);
    } else judgement.doubled.push(`${name}: ${arrivals.length} × ${kind} ${address}${timesOf(arrivals, cuts)}`);
  }
  if (outcome === 'accepted') judgement.accepted++;
  else if (outcome === 'unknown' && missing.length === ends.length) judgement.unknownNotStored++;
  else if (outcome === 'unknown') judgement.unknownStored++;
  if (outcome === 'accepted' && missing.length > 0) judgement.lost.push(`${name}: not at ${missing.join(', ')}`);
  if (outcome === 'unknown' && missing.length > 0 && missing.length < ends.length) {
    judgement.lost.push(`${name}: half of it, not at ${missing.join(', ')}`);
  }
  if ((outcome === 'absent' || outcome === 'removed') && missing.length < ends.length) {
    judgement.unexpected.push(`${name}: found where it should not be`);
  }
}

/** For people: when each came, and the cut that followed it, in milliseconds. */
function timesOf(arrivals: readonly Arrival[], cuts: readonly Cut[]): string {
  const times = arrivals.flatMap(({ at }) => at ?? []).sort((a, b) => a - b);
  if (times.length === 0) return '';
  const [first = 0] = times;
  const next = (at: number): string => `cut after ${(cuts.find((cut) => cut.at >= at)?.at ?? Number.NaN) - at} ms`;
  return ` (${times.map((at) => `at ${at - first}: ${next(at)}`).join('; ')})`;
}

export function isClean(judgement: Judgement): boolean {
  const { lost, doubled, damaged, unexpected } = judgement;
  return lost.length + doubled.length + damaged.length + unexpected.length === 0;
}
