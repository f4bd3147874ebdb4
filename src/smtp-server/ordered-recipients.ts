// Who gets a message after what access tables have ordered (access(5)): REDIRECT sends it to one address in place of
// all its recipients, as qmgr(8) does, without aliases; BCC adds addresses, with aliases, who hear of no failure.

import type { SubmittedRecipient } from '../queue/types.ts';
import type { SmtpPolicy } from './policy.ts';
import type { AcceptedRecipient, Transaction } from './transaction.ts';

/** Throws TemporaryError where an ordered address cannot be routed now. */
export async function orderedRecipients(
  policy: SmtpPolicy,
  { sender, actions }: Transaction,
  accepted: readonly AcceptedRecipient[],
): Promise<SubmittedRecipient[]> {
  const { redirect, bcc } = actions;
  const [first] = accepted;
  if (redirect !== undefined && first !== undefined) {
    const { original, notify, orcpt } = first;
    const deliveries = await policy.routeOrdered(redirect, sender, 'redirect');
    return [{ original, notify, orcpt, deliveries: deliveries.map((delivery) => ({ ...delivery, original })) }];
  }
  const recipients: SubmittedRecipient[] = accepted.map(({ original, notify, orcpt, deliveries, revision }) => ({
    original,
    notify,
    orcpt,
    deliveries,
    ...(revision === undefined ? {} : { revision }),
  }));
  // A table that is asked for each recipient orders the same copy each time.
  for (const address of new Set(bcc)) {
    const deliveries = await policy.routeOrdered(address, sender, 'bcc');
    recipients.push({ original: address, notify: 'NEVER', orcpt: '', deliveries });
  }
  return recipients;
}
