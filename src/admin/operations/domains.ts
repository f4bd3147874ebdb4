// Domains: made and taken away by the host's administrators, looked at by those who administer them.

import { Type } from 'typebox';
import type { DomainSettings } from '../../directory/domains.ts';
import { domainRecords } from '../domain-records.ts';
import { failMissing, fail } from '../problem.ts';
import { operation } from '../operation.ts';
import {
  anyText,
  count,
  domainName,
  object,
  optional,
  page,
  pageInput,
  removed,
  time,
  toPage,
  words,
  yes,
} from '../schemas.ts';

const domainClass = Type.Enum(['mailbox', 'alias', 'relay'], {
  description: 'mailbox: mailboxes and aliases; alias: aliases only; relay: passed on.',
});
const transport = anyText('Where its mail goes instead, as smtp:[192.0.2.1]:25; empty for the usual way.', 255);
const maintenance = anyText('Why its mail is put off (450); empty ends it.', 200);

const limits = {
  maxMailboxes: optional(count('Mailboxes that it may have; 0 without limit.')),
  maxAliases: optional(count('Aliases that it may have; 0 without limit.')),
  totalQuotaBytes: optional(count('Of all its mailboxes together; 0 without limit.')),
  defaultQuotaBytes: optional(count("A new mailbox's; 0 without limit.")),
  maxQuotaBytes: optional(count('Of one mailbox; 0 without limit.')),
};
const catchAllMode = Type.Enum(['accept', 'propose', 'refuse'], {
  description: 'What a catch-all does with names that nobody has decided on.',
});
const recipients = Type.Enum(['all', 'listed'], { description: 'Of a relay domain: whom it takes mail for.' });
const unknownTo = anyText('Where mail for addresses goes that are not here, as smtp:[192.0.2.1]; empty: nowhere.', 255);
const domainInfo = object({
  ...limits,
  catchAllMode,
  recipients: optional(recipients),
  unknownTo: optional(unknownTo),
  assignedQuotaBytes: optional(count('Of its mailboxes together.')),
  name: domainName(),
  class: domainClass,
  active: yes('Its mail is taken.'),
  transport,
  maintenance: optional(maintenance),
  created: time('When it was added.'),
  mailboxes: count('How many it has.'),
  aliases: count('How many it has.'),
  lists: count('How many it has.'),
  catchAll: yes('It has a catch-all.'),
  postmaster: yes('False: mail to postmaster is refused, which RFC 5321 §4.5.1 forbids.'),
  abuse: yes('False: mail to abuse is refused (RFC 2142 §2).'),
  aliasDomains: Type.Array(domainName()),
});

const byName = { name: domainName() };
const having = Type.Enum(['off', 'maintenance', 'catch-all', 'no-postmaster', 'near-limit'], {
  description: 'Only those of which this is so; near-limit: nine tenths of a limit are taken.',
});

const dnsRecord = object({
  purpose: Type.Enum(['mx', 'spf', 'address', 'pointer', 'service'], { description: 'What it is for.' }),
  name: anyText('Where it stands.'),
  type: Type.Enum(['MX', 'TXT', 'A/AAAA', 'PTR', 'SRV']),
  wanted: anyText('What would be right; empty where this host cannot know.'),
  state: Type.Enum(['good', 'otherwise', 'unknown'], { description: 'unknown: it could not be found out now.' }),
  found: Type.Array(Type.String(), { description: 'What is there.' }),
  reason: optional(anyText('Why it could not be found out.')),
  isNeeded: yes('Mail does not work without it.'),
});

export const domainOperations = [
  operation({
    name: 'domain.list',
    summary: 'List the domains.',
    method: 'GET',
    path: '/domains',
    input: object({
      ...pageInput,
      search: optional(anyText('Only those whose names contain this.', 255)),
      class: optional(domainClass),
      having: optional(having),
    }),
    output: page(domainInfo),
    access: { who: 'domain', domains: () => [] },
    kind: 'read',
    run: async ({ limit = 100, search: text = '', ...query }, { view, sight }) => {
      const mine = sight.domains;
      const narrowed = { ...(text === '' ? {} : { search: text }), ...(mine === undefined ? {} : { names: mine }) };
      return toPage(await view.domains.list({ ...query, ...narrowed, limit: limit + 1 }), limit, ({ name }) => name);
    },
  }),
  operation({
    name: 'domain.counts',
    summary: 'Say how many domains there are, by class and state.',
    method: 'GET',
    path: '/domain-counts',
    input: object({}),
    output: object({
      all: count('Domains.'),
      mailbox: count('Of this class.'),
      alias: count('Of this class.'),
      relay: count('Of this class.'),
      off: count('Whose mail is refused.'),
      maintenance: count('Whose mail is put off.'),
    }),
    access: { who: 'domain', domains: () => [] },
    kind: 'read',
    run: async (_input, { view, sight }) => await view.domains.counts(sight.domains),
  }),
  operation({
    name: 'domain.add',
    summary: 'Host a domain.',
    method: 'POST',
    path: '/domains',
    input: object({
      name: domainName(),
      class: optional(domainClass),
      active: optional(yes('Take its mail at once; true without.')),
      transport: optional(transport),
      ...limits,
      catchAllMode: optional(catchAllMode),
      recipients: optional(recipients),
      unknownTo: optional(unknownTo),
    }),
    output: domainInfo,
    access: { who: 'host' },
    kind: 'change',
    run: async ({ name, ...settings }, { view, server }) => {
      // NEVER list a virtual domain in mydestination (VIRTUAL_README): the local class would win.
      if (server.localDomains().includes(name.toLowerCase())) {
        fail(422, 'refused', `${name} is one of this host's own names (mydestination)`, {
          field: 'name',
          mend: 'take it out with: posthaste postconf -e "mydestination = localhost", then: posthaste reload',
        });
      }
      return await view.domains.add(name, settings);
    },
  }),
  operation({
    name: 'domain.show',
    summary: 'Show a domain.',
    method: 'GET',
    path: '/domains/{name}',
    input: object(byName),
    output: domainInfo,
    access: { who: 'domain', domains: ({ name }) => [name] },
    kind: 'read',
    run: async ({ name }, { view }) => (await view.domains.show(name)) ?? failMissing(),
  }),
  operation({
    name: 'domain.set',
    summary: 'Change a domain: its class, where its mail goes, whether it is taken.',
    method: 'PATCH',
    path: '/domains/{name}',
    input: object({
      ...byName,
      class: optional(domainClass),
      active: optional(yes('Take its mail.')),
      transport: optional(transport),
      maintenance: optional(maintenance),
      ...limits,
      catchAllMode: optional(catchAllMode),
      recipients: optional(recipients),
      unknownTo: optional(unknownTo),
    }),
    output: domainInfo,
    access: { who: 'host' },
    kind: 'change',
    shownBy: 'domain.show',
    run: async ({ name, ...settings }, { view }) => await view.domains.set(name, settings satisfies DomainSettings),
  }),
  operation({
    name: 'domain.set-many',
    summary: 'Change many domains at once, all or none: whether their mail is taken, where it goes, their tags.',
    method: 'POST',
    path: '/domains/set-many',
    input: object({
      names: Type.Array(domainName(), { description: 'All or none.', minItems: 1, maxItems: 1000 }),
      active: optional(yes('Take their mail.')),
      transport: optional(transport),
      maintenance: optional(maintenance),
      addTags: optional(words('Tags.', 50)),
      removeTags: optional(words('Tags; those that a domain has not are left.', 50)),
    }),
    output: object({ changed: count('Domains.') }),
    access: { who: 'host' },
    kind: 'change',
    run: async ({ names, addTags = [], removeTags = [], ...settings }, { view }) => {
      const all = new Set(names.map((name) => name.toLowerCase()));
      for (const name of all) {
        if (Object.keys(settings).length > 0) await view.domains.set(name, settings);
        if (addTags.length + removeTags.length === 0) continue;
        const present = await view.tags.of('domain', name);
        const gone = removeTags.filter((tag) => present.includes(tag));
        await view.tags.change('domain', name, addTags, gone);
      }
      return { changed: all.size };
    },
  }),
  operation({
    name: 'domain.remove',
    summary: 'Host a domain no more.',
    method: 'DELETE',
    path: '/domains/{name}',
    input: object({
      ...byName,
      recursive: optional(
        yes('With its mailboxes, aliases, lists and alias domains; mailboxes can be restored for some time.'),
      ),
    }),
    output: removed,
    access: { who: 'host' },
    kind: 'change',
    shownBy: 'domain.show',
    run: async ({ name, recursive = false }, { view }) => {
      await view.domains.remove(name, { recursive });
      return { removed: true };
    },
  }),
  operation({
    name: 'domain.dns',
    summary: 'Say which records of the DNS a domain needs for what this host does for it, and how they stand.',
    method: 'GET',
    path: '/domains/{name}/dns',
    input: object(byName),
    output: object({
      hostname: anyText('What this host is called: myhostname.'),
      items: Type.Array(dnsRecord),
    }),
    access: { who: 'domain', domains: ({ name }) => [name] },
    kind: 'read',
    run: async ({ name }, { view, server }) => {
      const aliasDomain = await view.aliasDomains.show(name);
      const domain = (await view.domains.show(aliasDomain?.target ?? name)) ?? failMissing();
      const { resolver } = server;
      const hostname = server.hostname();
      const hasMailboxes = domain.class === 'mailbox';
      const parts = { hostname, resolver, hasMailboxes, listeners: await server.listeners() };
      return { hostname, items: await domainRecords(aliasDomain?.name ?? domain.name, parts) };
    },
  }),
  operation({
    name: 'domain.list-removed',
    summary: 'List the domains that can be restored, the one removed last first.',
    method: 'GET',
    path: '/removed-domains',
    input: object({}),
    output: object({
      items: Type.Array(
        object({
          name: domainName(),
          removedAt: time('When it was removed.'),
          recoverableUntil: time('Until when it can be restored.'),
        }),
      ),
    }),
    access: { who: 'host' },
    kind: 'read',
    run: async (_input, { view }) => ({ items: await view.domains.removed() }),
  }),
  operation({
    name: 'domain.restore',
    summary: 'Bring back the domain that was removed last under this name, with all that went with it.',
    method: 'POST',
    path: '/domains/{name}/restore',
    input: object(byName),
    output: object({
      name: domainName(),
      mailboxes: count('That came back.'),
      aliases: count('That came back.'),
      lists: count('That came back.'),
      aliasDomains: count('That came back.'),
      senderRights: count('That came back.'),
      places: count('Transports, copies, recipients, decisions of the catch-all.'),
      tags: count('That came back.'),
      lost: words('What could not come back.'),
    }),
    access: { who: 'host' },
    kind: 'change',
    run: async ({ name }, { view }) => await view.domains.restore(name),
  }),
];
