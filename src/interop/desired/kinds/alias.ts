// Aliases in a desired state: `sales: [anna@example.com, far@example.net]`; "@" is the catch-all.

import type { AliasInfo, AliasSettings } from '../../../directory/alias-rows.ts';
import { fold } from '../../../directory/mail-address.ts';
import { flag, oneOf, textSet, texts } from '../fields.ts';
import { allOf, type DesiredKind, settingsOf, type State, stateOf } from '../kind.ts';

const names = { targets: 'targets', active: 'active', post: 'post', posters: 'posters' };
const fields: DesiredKind['fields'] = {
  targets: { type: texts },
  active: { type: flag, usual: true },
  post: { type: oneOf('anyone', 'members', 'domain', 'listed'), usual: 'anyone' },
  posters: { type: textSet, usual: [] },
};
const pageLength = 500;

function parts(state: State): [string[], AliasSettings] {
  const { targets, ...settings } = settingsOf(state, names, fields);
  return [targets as string[], settings];
}

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
    await view.aliases.add(address, ...parts(state));
  },
  set: async (view, address, state) => {
    await view.aliases.set(address, ...parts(state));
  },
  remove: (view, address) => view.aliases.remove(address),
};
