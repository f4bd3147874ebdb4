// Removes recipients that came twice within one message, as cleanup(8) does: two originals that alias to one
// mailbox give two copies by default (enable_original_recipient), one where originals are not kept apart.
// The mailstore makes one copy of both in any case.

import { fold } from '../address/form.ts';
import type { Delivery } from './types.ts';

export interface DuplicateCandidate {
  readonly delivery: Delivery;
  /** RFC 3461 parameters of the original recipient, or ''. */
  readonly orcpt: string;
  readonly notify: string;
}

/** Keeps the first of those that are the same; `keepsOriginals` is enable_original_recipient. */
export function removeDuplicates<Candidate extends DuplicateCandidate>(
  candidates: readonly Candidate[],
  keepsOriginals: boolean,
): Candidate[] {
  const seen = new Set<string>();
  return candidates.filter(({ delivery, orcpt, notify }) => {
    const final = fold(delivery.recipient);
    const key = keepsOriginals ? [orcpt, notify, fold(delivery.original), final].join('\n') : final;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
