// Settings of the directory itself in a desired state. The administrator is named by address: the same id is another
// mailbox elsewhere.

import type { DirectoryView } from '../../../directory/directory-view.ts';
import { text } from '../fields.ts';
import type { DesiredKind, State } from '../kind.ts';

const fields: DesiredKind['fields'] = { value: { type: text } };

function describe(view: DirectoryView, name: string, value: string): State | undefined {
  if (name !== 'administrator') return { value };
  const mailbox = view.lookups.mailboxById(Number(value));
  return mailbox && { value: mailbox.address };
}

async function put(view: DirectoryView, name: string, state: State): Promise<void> {
  const value = String(state['value']);
  const id = name === 'administrator' ? (await view.mailboxes.need(value)).id : undefined;
  await view.settings.set(name, id === undefined ? value : String(id));
}

export const settingKind: DesiredKind = {
  name: 'setting',
  place: 'top',
  section: 'settings',
  fields,
  shorthand: 'value',
  needed: ['value'],
  keyOf: (name) => name,
  list: async function* (view, domain) {
    if (domain !== undefined) return;
    for (const { name, value } of await view.settings.list()) {
      const state = describe(view, name, value);
      if (state !== undefined) yield [name, state];
    }
  },
  read: async (view, name) => {
    const value = view.lookups.setting(name);
    return value === undefined ? undefined : describe(view, name, value);
  },
  add: put,
  set: put,
  remove: (view, name) => view.settings.set(name, undefined),
};
