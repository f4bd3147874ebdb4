// Aliases and catch-alls. That a target leads to nobody is told only of domains that the caller may see.

import { Type } from 'typebox';
import type { AliasInfo } from '../../directory/alias-rows.ts';
import { type OperationContext, operation } from '../operation.ts';
import { listWithin } from '../pages-of-domains.ts';
import {
  aliasAddress,
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

const targets = words('Where its mail goes: addresses; @domain keeps the name before the @.', 10_000);
const settings = {
  active: optional(Type.Boolean({ description: 'False: as if it were not there.' })),
  post: optional(
    Type.Enum(['anyone', 'members', 'domain', 'listed'], {
      description: 'Who may write to it: anybody, those whom it reaches, everybody of its domain, or its posters.',
    }),
  ),
  posters: optional(words('Who may write to it where post is listed: addresses, and @domain.', 10_000)),
};
const info = object({
  address: aliasAddress(),
  targets,
  ...settings,
  created: time('When it was added.'),
  unknownTargets: words('Targets at domains of yours that lead to nobody.'),
});
const byAddress = { address: aliasAddress() };
const access = { who: 'domain', domains: ({ address }: { readonly address: string }) => [domainOf(address)] } as const;

function withUnknown(alias: AliasInfo, { directory, sight }: OperationContext) {
  const own = alias.targets.filter((target) => sight.address(target));
  return { ...alias, unknownTargets: directory.unknownTargets(own) };
}

export const aliasOperations = [
  operation({
    name: 'alias.list',
    summary: 'List the aliases.',
    method: 'GET',
    path: '/aliases',
    input: object({ ...pageInput, domain: optional(domainName('Of this domain only.')), search }),
    output: page(info),
    access: { who: 'domain', domains: ({ domain }) => (domain === undefined ? [] : [domain]) },
    kind: 'read',
    run: async ({ domain, after, limit, search: text }, context) => {
      const { view, sight } = context;
      const narrowed = searched(text, domain);
      const read = async (query: object) => await view.aliases.list({ ...query, ...narrowed });
      const found = toPage(await listWithin(sight, { domain, after, limit }, read), limit, ({ address }) => address);
      return { ...found, items: found.items.map((alias) => withUnknown(alias, context)) };
    },
  }),
  operation({
    name: 'alias.add',
    summary: 'Add an alias, or with @domain a catch-all.',
    method: 'POST',
    path: '/aliases',
    input: object({ ...byAddress, targets, ...settings }),
    output: info,
    access,
    kind: 'change',
    run: async ({ address, targets: to, ...rest }, context) =>
      withUnknown(await context.view.aliases.add(address, to, rest), context),
  }),
  operation({
    name: 'alias.show',
    summary: 'Show an alias.',
    method: 'GET',
    path: '/aliases/{address}',
    input: object(byAddress),
    output: info,
    access,
    kind: 'read',
    passing: ['unknownTargets'],
    run: async ({ address }, context) => withUnknown(await context.view.aliases.need(address), context),
  }),
  operation({
    name: 'alias.set',
    summary: 'Replace the targets of an alias.',
    method: 'PUT',
    path: '/aliases/{address}',
    input: object({ ...byAddress, targets, ...settings }),
    output: info,
    access,
    kind: 'change',
    shownBy: 'alias.show',
    run: async ({ address, targets: to, ...rest }, context) =>
      withUnknown(await context.view.aliases.set(address, to, rest), context),
  }),
  operation({
    name: 'alias.edit',
    summary: 'Add targets to an alias, and take others away.',
    method: 'PATCH',
    path: '/aliases/{address}',
    input: object({ ...byAddress, add: optional(targets), remove: optional(targets), ...settings }),
    output: info,
    access,
    kind: 'change',
    shownBy: 'alias.show',
    run: async ({ address, add = [], remove = [], ...rest }, context) =>
      withUnknown(await context.view.aliases.edit(address, add, remove, rest), context),
  }),
  operation({
    name: 'alias.remove',
    summary: 'Remove an alias.',
    method: 'DELETE',
    path: '/aliases/{address}',
    input: object(byAddress),
    output: removed,
    access,
    kind: 'change',
    shownBy: 'alias.show',
    run: async ({ address }, { view }) => {
      await view.aliases.remove(address);
      return { removed: true };
    },
  }),
  operation({
    name: 'alias.restore',
    summary: 'Bring back the alias that was removed last under this address.',
    method: 'POST',
    path: '/aliases/{address}/restore',
    input: object(byAddress),
    output: info,
    access,
    kind: 'change',
    run: async ({ address }, context) => {
      const since = context.sight.since(domainOf(address));
      return withUnknown(await context.view.aliases.restore(address, since), context);
    },
  }),
];
