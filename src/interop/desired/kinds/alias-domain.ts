// Alias domains in a desired state: `example.org: example.com`.

import type { AliasDomainInfo } from '../../../directory/alias-domains.ts';
import type { DirectoryView } from '../../../directory/directory-view.ts';
import { foldDomain } from '../../../directory/mail-address.ts';
import { flag, text } from '../fields.ts';
import { allOf, type DesiredKind, type FieldNames, settingsOf, stateOf } from '../kind.ts';

const names: FieldNames = { target: 'target', active: 'active' };
const fields: DesiredKind['fields'] = { target: { type: text }, active: { type: flag, usual: true } };
const pageLength = 500;

async function* aliasDomains(view: DirectoryView, domain: string | undefined): AsyncGenerator<AliasDomainInfo> {
  if (domain === undefined) {
    yield* allOf((after) => view.aliasDomains.list({ after: after?.name ?? '', limit: pageLength }), pageLength);
    return;
  }
  for (const name of (await view.domains.show(domain))?.aliasDomains ?? []) {
    const info = await view.aliasDomains.show(name);
    if (info !== undefined) yield info;
  }
}

export const aliasDomainKind: DesiredKind = {
  name: 'alias domain',
  place: 'top',
  section: 'alias-domains',
  fields,
  shorthand: 'target',
  needed: ['target'],
  keyOf: foldDomain,
  list: async function* (view, domain) {
    for await (const info of aliasDomains(view, domain)) yield [info.name, stateOf(info, names, fields)];
  },
  read: async (view, name) => {
    const info = await view.aliasDomains.show(name);
    return info && stateOf(info, names, fields);
  },
  add: async (view, name, state) => {
    await view.aliasDomains.add(name, String(state['target']));
    if (state['active'] === false) await view.aliasDomains.set(name, { active: false });
  },
  set: async (view, name, state) => {
    await view.aliasDomains.set(name, settingsOf(state, names, fields));
  },
  remove: (view, name) => view.aliasDomains.remove(name),
};
