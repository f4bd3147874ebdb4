// What holds a mailbox or a domain back for a while: maintenance, during which its mail is put off with the reason that
// the administrator gives, and how much a mailbox may send within a day.

import { refuse } from './refusal.ts';

/** As changes give it; absent stays. */
export interface MailboxRestraints {
  /** Why its mail is put off; '' ends the maintenance. */
  readonly maintenance?: string;
  /** Within a day: 0 is no limit, null what the server's settings say. */
  readonly messageLimit?: number | null;
  readonly recipientLimit?: number | null;
}

interface RestraintColumns {
  readonly maintenance: string;
  readonly message_limit: number;
  readonly recipient_limit: number;
}

/** As a mailbox is shown: only what is set. */
export interface RestraintInfo {
  readonly maintenance?: string;
  readonly messageLimit?: number;
  readonly recipientLimit?: number;
}

/** The reason goes into replies and log lines. */
const maxReasonLength = 200;
export const usualLimit = -1;

export const noRestraints: RestraintColumns = {
  maintenance: '',
  message_limit: usualLimit,
  recipient_limit: usualLimit,
};

export function changedRestraints(row: RestraintColumns, changes: MailboxRestraints): RestraintColumns {
  return {
    maintenance: changes.maintenance === undefined ? row.maintenance : checkReason(changes.maintenance),
    message_limit: changedLimit(row.message_limit, changes.messageLimit),
    recipient_limit: changedLimit(row.recipient_limit, changes.recipientLimit),
  };
}

export function describeRestraints(row: RestraintColumns): RestraintInfo {
  return {
    ...(row.maintenance === '' ? {} : { maintenance: row.maintenance }),
    ...(row.message_limit === usualLimit ? {} : { messageLimit: row.message_limit }),
    ...(row.recipient_limit === usualLimit ? {} : { recipientLimit: row.recipient_limit }),
  };
}

/** Of one line, printable ASCII: it stands in SMTP replies (RFC 5321 §4.2). */
export function checkReason(reason: string): string {
  const text = reason.trim();
  if (text.length > maxReasonLength) refuse(`a reason is at most ${maxReasonLength} characters long`);
  if (!/^[\x20-\x7e]*$/.test(text)) refuse('a reason is one line of printable ASCII: it stands in SMTP replies');
  return text;
}

function changedLimit(current: number, limit: number | null | undefined): number {
  if (limit === undefined) return current;
  if (limit === null) return usualLimit;
  if (!Number.isSafeInteger(limit) || limit < 0 || limit > 2 ** 31 - 1) {
    refuse('a limit is a whole number, 0 for none');
  }
  return limit;
}
