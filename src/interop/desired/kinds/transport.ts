// Transports of addresses, foreign domains, `.parent` and `*` in a desired state: `far.example: smtp:[192.0.2.1]`.

import { foldDomain } from '../../../directory/mail-address.ts';
import type { TransportInfo } from '../../../directory/transports.ts';
import { text } from '../fields.ts';
import { allOf, type DesiredKind, stateOf } from '../kind.ts';

const names = { transport: 'transport' };
const fields: DesiredKind['fields'] = { transport: { type: text } };
const pageLength = 500;

export const transportKind: DesiredKind = {
  name: 'transport',
  place: 'top',
  section: 'transports',
  fields,
  shorthand: 'transport',
  needed: ['transport'],
  keyOf: foldDomain,
  list: async function* (view, domain) {
    const page = (after: TransportInfo | undefined) =>
      view.transports.list({ limit: pageLength, ...(after && { after: after.place }) });
    for await (const info of allOf(page, pageLength)) {
      if (isOf(info.place, domain)) yield [info.place, stateOf(info, names, fields)];
    }
  },
  read: async (view, place) => {
    const info = await view.transports.show(place);
    return info && stateOf(info, names, fields);
  },
  add: async (view, place, state) => {
    // Whoever applies a file has seen what it does.
    await view.transports.add(place, String(state['transport']), { takesMailboxes: true });
  },
  set: async (view, place, state) => {
    await view.transports.set(place, String(state['transport']));
  },
  remove: (view, place) => view.transports.remove(place),
};

/** Does it belong to a domain: the domain itself, or an address of it? */
export function isOf(place: string, domain: string | undefined): boolean {
  return domain === undefined || place === domain || place.endsWith(`@${domain}`);
}
