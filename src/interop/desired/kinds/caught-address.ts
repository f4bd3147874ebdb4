// What was decided on names that fall to a catch-all, in a desired state. Names that are only proposed come by themselves,
// with the mail for them.

import type { CaughtAddress } from '../../../directory/catch-alls.ts';
import { fold } from '../../../directory/mail-address.ts';
import { oneOf } from '../fields.ts';
import { allOf, type DesiredKind, type State, stateOf } from '../kind.ts';

const names = { state: 'state' };
const fields: DesiredKind['fields'] = { state: { type: oneOf('accepted', 'refused') } };
const pageLength = 500;

function decided(info: CaughtAddress | undefined): State | undefined {
  return info === undefined || info.state === 'proposed' ? undefined : stateOf(info, names, fields);
}

export const caughtKind: DesiredKind = {
  name: 'caught address',
  place: 'domain',
  section: 'caught',
  fields,
  shorthand: 'state',
  needed: ['state'],
  keyOf: fold,
  list: async function* (view, domain) {
    const page = (after: CaughtAddress | undefined) =>
      view.catchAlls.list({ domain: domain ?? '', limit: pageLength, ...(after && { after: after.address }) });
    for await (const info of allOf(page, pageLength)) {
      const state = decided(info);
      if (state !== undefined) yield [info.address, state];
    }
  },
  read: async (view, address) => decided(await view.catchAlls.find(address)),
  add: async (view, address, { state }) => {
    await (state === 'refused' ? view.catchAlls.refuse([address]) : view.catchAlls.accept([address]));
  },
  set: async (view, address, { state }) => {
    await (state === 'refused' ? view.catchAlls.refuse([address]) : view.catchAlls.accept([address]));
  },
  remove: (view, address) => view.catchAlls.forget([address]),
};
