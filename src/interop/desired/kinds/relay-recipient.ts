// Known recipients of a relay domain in a desired state, by local part.

import { fold } from '../../../directory/mail-address.ts';
import type { RelayRecipientInfo } from '../../../directory/relay-recipients.ts';
import { allOf, type DesiredKind } from '../kind.ts';

const pageLength = 500;

export const relayRecipientKind: DesiredKind = {
  name: 'relay recipient',
  place: 'domain',
  section: 'relay-recipients',
  fields: {},
  keyOf: fold,
  list: async function* (view, domain) {
    const page = (after: RelayRecipientInfo | undefined) =>
      view.relayRecipients.list({ domain: domain ?? '', limit: pageLength, ...(after && { after: after.address }) });
    for await (const info of allOf(page, pageLength)) yield [info.address, {}];
  },
  read: async (view, address) => ((await view.relayRecipients.show(address)) ? {} : undefined),
  add: async (view, address) => {
    await view.relayRecipients.add([address]);
  },
  set: async () => undefined,
  remove: (view, address) => view.relayRecipients.remove([address]),
};
