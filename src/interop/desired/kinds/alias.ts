// Aliases in a desired state: `sales: [anna@example.com, far@example.net]`; "@" is the catch-all.

import type { AliasInfo } from '../../../directory/alias-rows.ts';
import { fold } from '../../../directory/mail-address.ts';
import { texts } from '../fields.ts';
import { allOf, type DesiredKind, stateOf } from '../kind.ts';

const names = { targets: 'targets' };
const fields: DesiredKind['fields'] = { targets: { type: texts } };
const pageLength = 500;

export const aliasKind: DesiredKind = {
  name: 'alias',
  place: 'domain',
  section: 'aliases',
  fields,
  shorthand: 'targets',
  needed: ['targets'],
  keyOf: fold,
  list: async function* (view, domain) {
    const page = (after: AliasInfo | undefined) =>
      view.aliases.list({ domain: domain ?? '', limit: pageLength, ...(after && { after: after.address }) });
    for await (const info of allOf(page, pageLength)) yield [info.address, stateOf(info, names, fields)];
  },
  read: async (view, address) => {
    const info = await view.aliases.show(address);
    return info && stateOf(info, names, fields);
  },
  add: async (view, address, state) => {
    await view.aliases.add(address, state['targets'] as string[]);
  },
  set: async (view, address, state) => {
    await view.aliases.set(address, state['targets'] as string[]);
  },
  remove: (view, address) => view.aliases.remove(address),
};
