// content_filter, and FILTER of access(5) and header_checks(5): the whole message goes to one transport, whatever its
// recipients' own would be (qmgr(8)). Aliases have been expanded by then; the filter hands the message back to a listener
// with receive_override_options = no_address_mappings, so that they are expanded once (FILTER_README).

import { domainOf } from '../address/form.ts';
import type { Delivery } from '../routing/types.ts';
import { nobodyLeft } from './edited-recipients.ts';
import type { SubmittedRecipient } from './types.ts';

export interface FilterDefaults {
  /** default_filter_nexthop. */
  readonly nexthop: string;
  readonly hostname: string;
}

/** `filter` is `transport:nexthop`; without a next hop it is the default's, or the recipient's domain. */
export function throughFilter<Target extends Pick<Delivery, 'recipient' | 'transport' | 'nexthop'>>(
  target: Target,
  filter: string,
  { nexthop: usual, hostname }: FilterDefaults,
): Target {
  const colon = filter.indexOf(':');
  const transport = colon === -1 ? filter : filter.slice(0, colon);
  const given = colon === -1 ? '' : filter.slice(colon + 1);
  const nexthop = given || usual || domainOf(target.recipient) || hostname;
  return { ...target, transport, nexthop };
}

/** What has no recipient any more is bounced as it would be. */
export function recipientsThroughFilter(
  recipients: readonly SubmittedRecipient[],
  filter: string,
  defaults: FilterDefaults,
): readonly SubmittedRecipient[] {
  return recipients.map((recipient) => ({
    ...recipient,
    deliveries: recipient.deliveries.map((delivery) =>
      delivery.nexthop === nobodyLeft ? delivery : throughFilter(delivery, filter, defaults),
    ),
  }));
}
