// Aliases and success reports (RFC 3461 §5.2.7): whoever asks for a report of success hears that the alias was expanded, and
// its members are asked for no such report: how many they are, and who, is not the sender's affair.

import { fold } from '../address/form.ts';
import { wantsNotice } from '../bounce/wishes.ts';
import type { Concerned } from './notices.ts';
import type { SubmittedRecipient } from './types.ts';

export interface ExpandedRecipients {
  readonly recipients: readonly SubmittedRecipient[];
  readonly expanded: readonly Concerned[];
}

const outcome = { kind: 'delivered', status: '2.0.0', reason: 'alias expanded', isExpansion: true } as const;

export function withoutExpanded(given: readonly SubmittedRecipient[]): ExpandedRecipients {
  if (!given.some((recipient) => isExpanded(recipient))) return { recipients: given, expanded: [] };
  const expanded: Concerned[] = [];
  const recipients = given.map((recipient) => {
    if (!isExpanded(recipient)) return recipient;
    const { original, notify, orcpt } = recipient;
    const row = { id: 0, original, recipient: original, transport: '', nexthop: '', status: '', reason: '' };
    expanded.push({ recipient: { ...row, notify, orcpt, state: 'delivered' }, outcome });
    return { ...recipient, notify: withoutSuccess(notify) };
  });
  return { recipients, expanded };
}

function isExpanded({ original, notify, deliveries }: SubmittedRecipient): boolean {
  if (!wantsNotice(notify, 'success')) return false;
  const members = deliveries.filter(({ isCopy, transport }) => !isCopy && transport !== 'error');
  return members.length > 1 || members.some(({ recipient }) => fold(recipient) !== fold(original));
}

function withoutSuccess(notify: string): string {
  const left = notify.split(',').filter((word) => word.toUpperCase() !== 'SUCCESS');
  return left.length === 0 ? 'NEVER' : left.join(',');
}
