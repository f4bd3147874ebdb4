// What the clients of a fault run know: for each numbered message, where it should be and what they were told.
// The judgement at the end compares this with what IMAP shows:
//   accepted   250 came                  each of its mailboxes has it exactly once, with the right bytes
//   unknown    the dot went, no reply    at most once, and in all its mailboxes or in none (one transaction)
//   absent     refused, or never sent    nowhere
//   removed    expunged with OK          nowhere; `maybe-removed`: at most once

export type Outcome = 'accepted' | 'unknown' | 'absent' | 'removed' | 'maybe-removed';

export interface NumberedMessage {
  readonly token: string;
  /** Addresses of the mailboxes that should get a copy, after aliases. */
  readonly mailboxes: readonly string[];
  /** SHA-256 of the message from its first own header to its end, hex. */
  readonly sha256: string;
  readonly round: number;
  outcome: Outcome;
}

/** The token of a copy that is listed and cannot be read. */
export const unreadable = '';

/** A copy that IMAP showed. */
export interface FoundCopy {
  readonly token: string;
  readonly mailbox: string;
  readonly sha256: string;
  readonly uid: number;
}

export interface Judgement {
  readonly accepted: number;
  readonly unknownStored: number;
  readonly unknownNotStored: number;
  readonly copies: number;
  /** One line each; empty when every promise was kept. */
  readonly lost: string[];
  readonly doubled: string[];
  readonly damaged: string[];
  readonly unexpected: string[];
}

export class Ledger {
  readonly messages = new Map<string, NumberedMessage>();
  #next = 1;

  /** Registers a message that is about to be sent: until its last byte goes out it must be nowhere. */
  begin(token: string, mailboxes: readonly string[], sha256: string, round: number): NumberedMessage {
    const message: NumberedMessage = { token, mailboxes, sha256, round, outcome: 'absent' };
    this.messages.set(token, message);
    return message;
  }

  nextToken(): string {
    return `token-${this.#next++}`;
  }

  judge(copies: readonly FoundCopy[]): Judgement {
    const judgement: Mutable<Judgement> = {
      accepted: 0,
      unknownStored: 0,
      unknownNotStored: 0,
      copies: copies.length,
      lost: [],
      doubled: [],
      damaged: [],
      unexpected: [],
    };
    const found = new Map<string, FoundCopy[]>();
    for (const copy of copies) {
      const message = this.messages.get(copy.token);
      const where = `${copy.token} in ${copy.mailbox} as uid ${copy.uid}`;
      if (copy.token === unreadable) {
        judgement.damaged.push(`uid ${copy.uid} in ${copy.mailbox} is listed and cannot be read`);
      } else if (!message || !message.mailboxes.includes(copy.mailbox)) {
        judgement.unexpected.push(`${where}: nobody sent it there`);
      } else {
        if (copy.sha256 !== message.sha256) judgement.damaged.push(`${where}: its bytes differ`);
        found.set(copy.token, [...(found.get(copy.token) ?? []), copy]);
      }
    }
    for (const message of this.messages.values()) judgeMessage(message, found.get(message.token) ?? [], judgement);
    return judgement;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function judgeMessage(message: NumberedMessage, copies: readonly FoundCopy[], judgement: Mutable<Judgement>): void {
  const { token, outcome, mailboxes, round } = message;
  const counts = mailboxes.map((mailbox) => copies.filter((copy) => copy.mailbox === mailbox).length);
  const stored = counts.filter((count) => count > 0).length;
  const name = `${token} (round ${round}, ${outcome})`;
  if (counts.some((count) => count > 1)) {
    judgement.doubled.push(`${name}: ${counts.join('+')} copies in ${mailboxes.join(', ')}`);
  }
  if (outcome === 'accepted') {
    judgement.accepted++;
    if (stored < mailboxes.length) judgement.lost.push(`${name}: in ${stored} of ${mailboxes.join(', ')}`);
  } else if (outcome === 'unknown') {
    if (stored === 0) judgement.unknownNotStored++;
    else judgement.unknownStored++;
    if (stored > 0 && stored < mailboxes.length) {
      judgement.lost.push(`${name}: half of it, in ${stored} of ${mailboxes.join(', ')}`);
    }
  } else if (outcome !== 'maybe-removed' && stored > 0) {
    judgement.unexpected.push(`${name}: found in ${mailboxes.join(', ')}`);
  }
}

export function isClean(judgement: Judgement): boolean {
  const { lost, doubled, damaged, unexpected } = judgement;
  return lost.length + doubled.length + damaged.length + unexpected.length === 0;
}

/** A few lines for people. */
export function formatJudgement(judgement: Judgement, shown = 10): string {
  const { accepted, unknownStored, unknownNotStored, copies } = judgement;
  const lines = [
    `${accepted} messages got 250, ${copies} copies found`,
    `${unknownStored + unknownNotStored} outcomes unknown to the client: ${unknownStored} stored once, ${unknownNotStored} not stored`,
  ];
  for (const kind of ['lost', 'doubled', 'damaged', 'unexpected'] as const) {
    const problems = judgement[kind];
    lines.push(`${problems.length} ${kind}`, ...problems.slice(0, shown).map((problem) => `  ${problem}`));
    if (problems.length > shown) lines.push(`  … and ${problems.length - shown} more`);
  }
  return lines.join('\n');
}
