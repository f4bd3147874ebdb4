// What milters have ordered about recipients, carried out when the message is submitted (cleanup(8)). Filters see addresses
// as the client gave them: a deleted one goes with all that its expansion has given; with enable_original_recipient = no
// nothing is known but the results of the expansion. An added one is expanded, gets no blind copies, and its sender is told
// of failures as for any other.

import { toInternal } from '../address/form.ts';
import type { RecipientOrder } from '../milter/envelope-edits.ts';
import type { Delivery } from '../routing/types.ts';
import type { SubmittedRecipient } from './types.ts';

export interface EditRules {
  readonly byOriginalRecipient: boolean;
  /** Throws TemporaryError. */
  readonly route: (address: string) => Promise<readonly Delivery[]>;
}

/** The next hop of the delivery that is left where there is nobody to deliver to. */
export const nobodyLeft = 'milters have deleted all recipients';

export async function editedRecipients(
  given: readonly SubmittedRecipient[],
  orders: readonly RecipientOrder[],
  { byOriginalRecipient, route }: EditRules,
): Promise<readonly SubmittedRecipient[]> {
  let recipients = given;
  for (const { order, address, notify = '', orcpt = '' } of orders) {
    if (order === 'add') {
      const added = { original: address, notify, orcpt, deliveries: await route(address) };
      recipients = [...recipients, added];
      continue;
    }
    const deleted = toInternal(address);
    const stays = (written: string): boolean => toInternal(written) !== deleted;
    recipients = recipients.flatMap((recipient) => {
      const { deliveries, original } = recipient;
      if (deliveries.length === 0) return stays(original) ? [recipient] : [];
      const left = deliveries.filter((one) => stays(byOriginalRecipient ? one.original : one.recipient));
      return left.length === 0 ? [] : [{ ...recipient, deliveries: left }];
    });
  }
  return recipients.length === 0 ? given.slice(0, 1).map(nobody) : recipients;
}

/** All have been deleted: the message is taken and gone, as in Postfix, which has one without recipients then. */
function nobody(recipient: SubmittedRecipient): SubmittedRecipient {
  const { original } = recipient;
  const delivery = {
    recipient: original,
    original,
    transport: 'discard',
    nexthop: nobodyLeft,
  };
  return { original, notify: 'NEVER', orcpt: '', deliveries: [delivery] };
}
