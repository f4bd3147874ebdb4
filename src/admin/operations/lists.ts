// Mailing lists and their members.

import { Type } from 'typebox';
import { operation } from '../operation.ts';
import { listWithin } from '../pages-of-domains.ts';
import {
  address,
  anyText,
  count,
  domainName,
  object,
  optional,
  page,
  pageInput,
  removed,
  search,
  searched,
  time,
  toPage,
  words,
} from '../schemas.ts';
import { domainOf } from './mailboxes.ts';

const name = anyText('What people call it.', 255);
const post = Type.Enum(['anyone', 'members', 'domain', 'listed'], {
  description: 'Who may write to it: anybody, its members, everybody of its domain, or its posters.',
});
const owners = words('Who gets what cannot be delivered.', 50);
const posters = words('Who may write to it where post is listed: addresses, and @domain.', 10_000);
const members = words('Addresses.', 50_000);
const info = object({
  address: address(),
  name,
  post,
  owners,
  posters,
  members: count('How many it has.'),
  created: time('When it was added.'),
});
const byAddress = { address: address() };
const access = { who: 'domain', domains: (input: { readonly address: string }) => [domainOf(input.address)] } as const;

export const listOperations = [
  operation({
    name: 'list.list',
    summary: 'List the mailing lists.',
    method: 'GET',
    path: '/lists',
    input: object({ ...pageInput, domain: optional(domainName('Of this domain only.')), search }),
    output: page(info),
    access: { who: 'domain', domains: ({ domain }) => (domain === undefined ? [] : [domain]) },
    kind: 'read',
    run: async ({ domain, after, limit, search: text }, { view, sight }) => {
      const narrowed = searched(text, domain);
      const read = async (query: object) => await view.lists.list({ ...query, ...narrowed });
      const items = await listWithin(sight, { domain, after, limit }, read);
      return toPage(items, limit, (item) => item.address);
    },
  }),
  operation({
    name: 'list.add',
    summary: 'Add a mailing list.',
    method: 'POST',
    path: '/lists',
    input: object({
      ...byAddress,
      owners,
      name: optional(name),
      post: optional(post),
      posters: optional(posters),
      members: optional(members),
    }),
    output: info,
    access,
    kind: 'change',
    run: async (input, { view }) => await view.lists.add(input),
  }),
  operation({
    name: 'list.show',
    summary: 'Show a mailing list.',
    method: 'GET',
    path: '/lists/{address}',
    input: object(byAddress),
    output: info,
    access,
    kind: 'read',
    run: async (input, { view }) => await view.lists.need(input.address),
  }),
  operation({
    name: 'list.set',
    summary: 'Change a mailing list; owners and posters replace what was there.',
    method: 'PATCH',
    path: '/lists/{address}',
    input: object({
      ...byAddress,
      name: optional(name),
      post: optional(post),
      owners: optional(owners),
      posters: optional(posters),
    }),
    output: info,
    access,
    kind: 'change',
    shownBy: 'list.show',
    run: async ({ address: own, ...settings }, { view }) => await view.lists.set(own, settings),
  }),
  operation({
    name: 'list.remove',
    summary: 'Remove a mailing list.',
    method: 'DELETE',
    path: '/lists/{address}',
    input: object(byAddress),
    output: removed,
    access,
    kind: 'change',
    shownBy: 'list.show',
    run: async (input, { view }) => {
      await view.lists.remove(input.address);
      return { removed: true };
    },
  }),
  operation({
    name: 'list.restore',
    summary: 'Bring back the mailing list that was removed last under this address.',
    method: 'POST',
    path: '/lists/{address}/restore',
    input: object(byAddress),
    output: info,
    access,
    kind: 'change',
    run: async ({ address: own }, { view, sight }) => await view.lists.restore(own, sight.since(domainOf(own))),
  }),
  operation({
    name: 'list.members',
    summary: 'List the members of a mailing list.',
    method: 'GET',
    path: '/lists/{address}/members',
    input: object({ ...byAddress, ...pageInput }),
    output: page(address()),
    access,
    kind: 'read',
    run: async ({ address: own, after, limit = 100 }, { view }) =>
      toPage(await view.lists.members(own, after, limit + 1), limit, (member) => member),
  }),
  operation({
    name: 'list.members-add',
    summary: 'Add members to a mailing list.',
    method: 'POST',
    path: '/lists/{address}/members',
    input: object({ ...byAddress, members }),
    output: object({ added: count('How many were no members before.') }),
    access,
    kind: 'change',
    run: async ({ address: own, members: all }, { view }) => ({ added: await view.lists.addMembers(own, all) }),
  }),
  operation({
    name: 'list.members-remove',
    summary: 'Take members out of a mailing list.',
    method: 'POST',
    path: '/lists/{address}/members/remove',
    input: object({ ...byAddress, members }),
    output: removed,
    access,
    kind: 'change',
    run: async ({ address: own, members: all }, { view }) => {
      await view.lists.removeMembers(own, all);
      return { removed: true };
    },
  }),
];
