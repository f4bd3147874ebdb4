// Alias domains: every address of one means the same address of its target. A new name is the host's to give; whoever
// administers the target may see it and switch it off.

import { failMissing } from '../problem.ts';
import { operation } from '../operation.ts';
import { domainName, object, optional, page, pageInput, removed, time, toPage, yes } from '../schemas.ts';

const info = object({
  name: domainName(),
  target: domainName('The domain that it stands for.'),
  active: yes('Its mail is taken.'),
  created: time('When it was added.'),
});
const byName = { name: domainName() };

export const aliasDomainOperations = [
  operation({
    name: 'alias-domain.list',
    summary: 'List the alias domains.',
    method: 'GET',
    path: '/alias-domains',
    input: object(pageInput),
    output: page(info),
    access: { who: 'domain', domains: () => [] },
    kind: 'read',
    run: async ({ after = '', limit = 100 }, { view, sight }) => {
      const mine = sight.domains;
      if (mine === undefined) {
        return toPage(await view.aliasDomains.list({ after, limit: limit + 1 }), limit, ({ name }) => name);
      }
      const targets = await Promise.all(mine.map(async (name) => await view.domains.show(name)));
      const names = targets.flatMap((target) => target?.aliasDomains ?? []).sort();
      const wanted = names.filter((name) => name > after).slice(0, limit + 1);
      const items = await Promise.all(wanted.map(async (name) => await view.aliasDomains.show(name)));
      return toPage(
        items.filter((item) => item !== undefined),
        limit,
        ({ name }) => name,
      );
    },
  }),
  operation({
    name: 'alias-domain.add',
    summary: 'Let every address of a name mean the same address of a domain.',
    method: 'POST',
    path: '/alias-domains',
    input: object({ name: domainName(), target: domainName('The domain that it stands for.') }),
    output: info,
    access: { who: 'host' },
    kind: 'change',
    run: async ({ name, target }, { view }) => await view.aliasDomains.add(name, target),
  }),
  operation({
    name: 'alias-domain.show',
    summary: 'Show an alias domain.',
    method: 'GET',
    path: '/alias-domains/{name}',
    input: object(byName),
    output: info,
    access: { who: 'domain', domains: ({ name }) => [name] },
    kind: 'read',
    run: async ({ name }, { view }) => (await view.aliasDomains.show(name)) ?? failMissing(),
  }),
  operation({
    name: 'alias-domain.set',
    summary: 'Change what an alias domain stands for, or whether its mail is taken.',
    method: 'PATCH',
    path: '/alias-domains/{name}',
    input: object({
      ...byName,
      target: optional(domainName('The domain that it stands for.')),
      active: optional(yes('Take its mail.')),
    }),
    output: info,
    access: { who: 'domain', domains: ({ name, target }) => (target === undefined ? [name] : [name, target]) },
    kind: 'change',
    shownBy: 'alias-domain.show',
    run: async ({ name, ...settings }, { view }) => await view.aliasDomains.set(name, settings),
  }),
  operation({
    name: 'alias-domain.remove',
    summary: 'Host an alias domain no more.',
    method: 'DELETE',
    path: '/alias-domains/{name}',
    input: object(byName),
    output: removed,
    access: { who: 'host' },
    kind: 'change',
    shownBy: 'alias-domain.show',
    run: async ({ name }, { view }) => {
      await view.aliasDomains.remove(name);
      return { removed: true };
    },
  }),
];
