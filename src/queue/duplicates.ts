// Recipients that are the same for Postfix (cleanup_out_recipient.c): equal ORCPT, NOTIFY, original and final
// recipient, without regard to case; with `enable_original_recipient = no` the final recipient alone.

import type { Delivery } from '../routing/types.ts';
import type { SubmittedRecipient } from './types.ts';

/** One final recipient of a message: a row of the queue, or a copy in a mailbox. */
export interface FinalRecipient {
  readonly original: string;
  readonly recipient: string;
  readonly transport: string;
  readonly nexthop: string;
  readonly notify: string;
  readonly orcpt: string;
}

export function finalRecipients(recipients: readonly SubmittedRecipient[], byOriginal: boolean): FinalRecipient[] {
  const seen = new Set<string>();
  const finals: FinalRecipient[] = [];
  for (const submitted of recipients) {
    const { deliveries, notify, orcpt } = submitted;
    for (const delivery of deliveries.length > 0 ? deliveries : [goneDelivery(submitted)]) {
      const { original, recipient, transport, nexthop } = delivery;
      const key = byOriginal ? `${orcpt}\n${notify}\n${original}\n${recipient}` : recipient;
      const folded = key.toLowerCase();
      if (seen.has(folded)) continue;
      seen.add(folded);
      finals.push({ original, recipient, transport, nexthop, notify, orcpt });
    }
  }
  return finals;
}

/** An address that was accepted and leads nowhere any more: bounced, never forgotten. */
function goneDelivery({ original }: SubmittedRecipient): Delivery {
  return { recipient: original, original, transport: 'error', nexthop: '5.1.1 User unknown' };
}
