// Recipients that are the same for Postfix (cleanup_out_recipient.c): equal ORCPT, NOTIFY, original and final
// recipient, without regard to case; with `enable_original_recipient = no` the final recipient alone. The ends of a local
// expansion are each their own. Blind copies come after all others, so that of two that are the same the sender's own counts.

import { fold } from '../address/form.ts';
import type { Delivery } from '../routing/types.ts';
import { nexthopOf } from './end-row.ts';
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
  const add = (delivery: Delivery, notify: string, orcpt: string): void => {
    const { original, recipient, transport, isCopy, end } = delivery;
    // A recipient always has an ORCPT, be it what the client wrote; a blind copy has none.
    const key = byOriginal ? `${isCopy ? 'copy' : ''}\n${orcpt}\n${notify}\n${original}\n${recipient}` : recipient;
    // Commands and files that differ in case are different.
    const folded = end === undefined ? fold(key) : `${fold(key)}\0${end}`;
    if (seen.has(folded)) return;
    seen.add(folded);
    finals.push({ original, recipient, transport, nexthop: nexthopOf(delivery.nexthop, end), notify, orcpt });
  };
  const copies: Delivery[] = [];
  for (const submitted of recipients) {
    const { deliveries, notify, orcpt } = submitted;
    for (const delivery of deliveries.length > 0 ? deliveries : [goneDelivery(submitted)]) {
      if (delivery.isCopy) copies.push(delivery);
      else add(delivery, notify, orcpt);
    }
  }
  // Nobody asked for a blind copy, so nobody hears what became of it.
  for (const copy of copies) add(copy, 'NEVER', '');
  return finals;
}

/** An address that was accepted and leads nowhere any more: bounced, never forgotten. */
function goneDelivery({ original }: SubmittedRecipient): Delivery {
  return { recipient: original, original, transport: 'error', nexthop: '5.1.1 User unknown' };
}
