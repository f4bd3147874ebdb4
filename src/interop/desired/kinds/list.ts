// Mailing lists in a desired state, with their members.

import type { DirectoryView } from '../../../directory/directory-view.ts';
import type { ListInfo } from '../../../directory/list-rows.ts';
import type { ListSettings } from '../../../directory/lists.ts';
import { fold } from '../../../directory/mail-address.ts';
import { oneOf, text, textSet } from '../fields.ts';
import { allOf, type DesiredKind, isSame, settingsOf, type State, stateOf } from '../kind.ts';

const names = { name: 'name', post: 'post', owners: 'owners', posters: 'posters' };
const fields: DesiredKind['fields'] = {
  name: { type: text, usual: '' },
  post: { type: oneOf('anyone', 'members', 'domain', 'listed'), usual: 'members' },
  owners: { type: textSet },
  posters: { type: textSet, usual: [] },
  members: { type: textSet, usual: [] },
};
const pageLength = 500;

async function describe(view: DirectoryView, info: ListInfo): Promise<State> {
  const members: string[] = [];
  const page = (after: string | undefined) => view.lists.members(info.address, after, pageLength);
  for await (const member of allOf(page, pageLength)) members.push(member);
  return { ...stateOf(info, names, fields), ...(members.length > 0 ? { members } : {}) };
}

const membersOf = (state: State): readonly string[] => (state['members'] ?? []) as string[];

export const listKind: DesiredKind = {
  name: 'list',
  place: 'domain',
  section: 'lists',
  fields,
  needed: ['owners'],
  keyOf: fold,
  list: async function* (view, domain) {
    const page = (after: ListInfo | undefined) =>
      view.lists.list({ domain: domain ?? '', limit: pageLength, ...(after && { after: after.address }) });
    for await (const info of allOf(page, pageLength)) yield [info.address, await describe(view, info)];
  },
  read: async (view, address) => {
    const info = await view.lists.show(address);
    return info && (await describe(view, info));
  },
  add: async (view, address, state) => {
    const settings = settingsOf(state, names, fields) as ListSettings;
    const owners = settings.owners ?? [];
    await view.lists.add({ address, ...settings, owners, members: membersOf(state) });
  },
  set: async (view, address, state, before) => {
    const settings = settingsOf(state, names, fields);
    if (!isSame(settings, settingsOf(before, names, fields))) await view.lists.set(address, settings);
    const [had, has] = [before, state].map((one) => new Map(membersOf(one).map((member) => [fold(member), member])));
    const gone = [...(had ?? [])].filter(([key]) => has?.has(key) !== true).map(([, member]) => member);
    const come = [...(has ?? [])].filter(([key]) => had?.has(key) !== true).map(([, member]) => member);
    if (gone.length > 0) await view.lists.removeMembers(address, gone);
    if (come.length > 0) await view.lists.addMembers(address, come);
  },
  remove: (view, address) => view.lists.remove(address),
};
