// The recipients of relay domains, and what becomes of names that nobody has in a domain with a catch-all.

import { Type } from 'typebox';
import type { CaughtAddress } from '../../directory/catch-alls.ts';
import { operation } from '../operation.ts';
import { listWithin } from '../pages-of-domains.ts';
import type { Sight } from '../principal.ts';
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
  time,
  toPage,
  words,
} from '../schemas.ts';
import { domainOf } from './mailboxes.ts';

const byAddresses = {
  addresses: Type.Array(address(), { description: 'All or none.', minItems: 1, maxItems: 10_000 }),
};
const ofDomain = { ...pageInput, domain: optional(domainName('Of this domain only.')) };
const inDomains = {
  who: 'domain',
  domains: ({ addresses }: { readonly addresses: readonly string[] }) => addresses.map(domainOf),
} as const;
const inDomain = {
  who: 'domain',
  domains: ({ domain }: { readonly domain?: string }) => (domain === undefined ? [] : [domain]),
} as const;

const relayRecipient = object({ address: address(), created: time('When it was added.') });

const state = Type.Enum(['proposed', 'accepted', 'refused'], { description: 'What was decided.' });
const caught = object({
  address: address(),
  state,
  sender: anyText('Of the first message; empty also where it is not yours to know.'),
  messages: count('That came.'),
  firstSeen: time('0: none has come.'),
  lastSeen: time('0: none has come.'),
});
const decided = object({ items: Type.Array(caught) });

const mode = Type.Enum(['accept', 'propose', 'refuse'], { description: 'Of names that nobody has decided on.' });
const catchAll = object({
  domain: domainName(),
  mode,
  targets: words('Where their mail goes.', 10_000),
  proposed: count('Names.'),
  accepted: count('Names.'),
  refused: count('Names.'),
});

function shownCaught(one: CaughtAddress, sight: Sight): CaughtAddress {
  return sight.mayName(one.sender) ? one : { ...one, sender: '' };
}

export const recipientOperations = [
  operation({
    name: 'relay-recipient.list',
    summary: 'List the recipients of relay domains.',
    method: 'GET',
    path: '/relay-recipients',
    input: object(ofDomain),
    output: page(relayRecipient),
    access: inDomain,
    kind: 'read',
    run: async ({ domain, after, limit }, { view, sight }) => {
      const read = async (query: object) => await view.relayRecipients.list(query);
      return toPage(await listWithin(sight, { domain, after, limit }, read), limit, (one) => one.address);
    },
  }),
  operation({
    name: 'relay-recipient.add',
    summary: 'Add recipients of relay domains: they count where the domain takes listed ones only.',
    method: 'POST',
    path: '/relay-recipients',
    input: object(byAddresses),
    output: object({ added: words('Those that were not listed before.', 10_000) }),
    access: inDomains,
    kind: 'change',
    run: async ({ addresses }, { view }) => ({
      added: (await view.relayRecipients.add(addresses)).map((one) => one.address),
    }),
  }),
  operation({
    name: 'relay-recipient.remove',
    summary: 'Remove recipients of relay domains.',
    method: 'POST',
    path: '/relay-recipients/remove',
    input: object(byAddresses),
    output: removed,
    access: inDomains,
    kind: 'change',
    run: async ({ addresses }, { view }) => {
      await view.relayRecipients.remove(addresses);
      return { removed: true };
    },
  }),
  operation({
    name: 'catch-all.show',
    summary: "Show a domain's catch-all, its mode, and how many names are decided on.",
    method: 'GET',
    path: '/catch-alls/{domain}',
    input: object({ domain: domainName() }),
    output: catchAll,
    access: { who: 'domain', domains: ({ domain }) => [domain] },
    kind: 'read',
    passing: ['proposed', 'accepted', 'refused'],
    run: async ({ domain }, { view }) => await view.catchAlls.show(domain),
  }),
  operation({
    name: 'catch-all.set',
    summary: 'Say what a catch-all does with names that nobody has decided on.',
    method: 'PATCH',
    path: '/catch-alls/{domain}',
    input: object({ domain: domainName(), mode }),
    output: catchAll,
    access: { who: 'domain', domains: ({ domain }) => [domain] },
    kind: 'change',
    shownBy: 'catch-all.show',
    run: async ({ domain, mode: catchAllMode }, { view }) => {
      await view.domains.set(domain, { catchAllMode });
      return await view.catchAlls.show(domain);
    },
  }),
  operation({
    name: 'catch-all.list',
    summary: 'List the names that a catch-all has seen, or that were decided on.',
    method: 'GET',
    path: '/caught-addresses',
    input: object({ ...ofDomain, state: optional(state) }),
    output: page(caught),
    access: inDomain,
    kind: 'read',
    run: async ({ domain, after, limit, state: of }, { view, sight }) => {
      const narrowed = of === undefined ? {} : { state: of };
      const read = async (query: object) => await view.catchAlls.list({ ...query, ...narrowed });
      const found = toPage(await listWithin(sight, { domain, after, limit }, read), limit, (one) => one.address);
      const shown = found.items.map((one) => shownCaught(one, sight));
      return { ...found, items: shown };
    },
  }),
  operation({
    name: 'catch-all.accept',
    summary: 'Take mail for names that nobody has.',
    method: 'POST',
    path: '/caught-addresses/accept',
    input: object(byAddresses),
    output: decided,
    access: inDomains,
    kind: 'change',
    run: async ({ addresses }, { view, sight }) => {
      const items = await view.catchAlls.accept(addresses);
      return { items: items.map((one) => shownCaught(one, sight)) };
    },
  }),
  operation({
    name: 'catch-all.refuse',
    summary: 'Refuse mail for names that nobody has: they are unknown users from then on.',
    method: 'POST',
    path: '/caught-addresses/refuse',
    input: object(byAddresses),
    output: decided,
    access: inDomains,
    kind: 'change',
    run: async ({ addresses }, { view, sight }) => {
      const items = await view.catchAlls.refuse(addresses);
      return { items: items.map((one) => shownCaught(one, sight)) };
    },
  }),
  operation({
    name: 'catch-all.forget',
    summary: 'As if names had never been seen or decided on.',
    method: 'POST',
    path: '/caught-addresses/forget',
    input: object(byAddresses),
    output: removed,
    access: inDomains,
    kind: 'change',
    run: async ({ addresses }, { view }) => {
      await view.catchAlls.forget(addresses);
      return { removed: true };
    },
  }),
];
