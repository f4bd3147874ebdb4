// Where our answers to generated conversations differ on purpose: each entry has a row in docs/postfix-parity.md. What no
// entry explains is a mistake.

import type { AccessDifference } from './compare.ts';
import type { AccessGroup, Conversation } from './generate.ts';

interface KnownDifference {
  /** As docs/postfix-parity.md calls it. */
  readonly subject: string;
  explains(
    difference: AccessDifference,
    all: readonly AccessDifference[],
    group: AccessGroup,
    conversation: Conversation,
  ): boolean;
}

const known: readonly KnownDifference[] = [
  {
    // The system's name service takes `203.0.113` for 203.0.0.113.
    subject: 'names and addresses that restrictions look up (`check_*_mx_access`, `permit_mx_backup` …)',
    explains: (_difference, _all, { main }, conversation) =>
      conversation.some((line) => /^(?:HELO|EHLO) 203\.0\.113$/.test(line)) &&
      /check_helo_(?:a|mx)_access/.test(Object.values(main).join(' ')),
  },
  {
    subject: '`reject_unlisted_sender` before MAIL is judged',
    explains: ({ what, postfix, posthaste }, all, { main }) => {
      const lists = Object.entries(main).filter(([name]) => /_restrictions$|^(?:first|second)$/.test(name));
      if (!lists.some(([, list]) => list.includes('reject_unlisted_sender'))) return false;
      if (what === 'log' && withoutUnlistedSenders(postfix) === withoutUnlistedSenders(posthaste)) return true;
      return all.some((one) => unlistedSender.test(one.posthaste));
    },
  },
];

const unlistedSender = /: Sender address rejected: User (?:unknown|has moved)/;

/** The log but for warnings that a sender is not listed. */
function withoutUnlistedSenders(log: string): string {
  const lines = log === '(nothing)' ? [] : log.split('\n');
  return lines.filter((line) => !line.includes(': reject_warning: ') || !unlistedSender.test(line)).join('\n');
}

export const knownAccessSubjects: readonly string[] = known.map(({ subject }) => subject);

export function explanationOf(...question: Parameters<KnownDifference['explains']>): string | undefined {
  return known.find((one) => one.explains(...question))?.subject;
}
