// Words that administrators put on their domains, mailboxes, aliases and lists, and what names a mailbox.

import { Type } from 'typebox';
import { operation } from '../operation.ts';
import { fail } from '../problem.ts';
import { address, anyText, count, object, optional, page, pageInput, toPage, usualPage, words } from '../schemas.ts';
import { domainOf, referencesWithin } from './mailboxes.ts';

const kind = Type.Enum(['domain', 'mailbox', 'alias', 'list']);
const byName = { kind, name: anyText('The domain, or the address.', 330) };
const tags = object({ tags: Type.Array(Type.String(), { description: 'In order.' }) });
const access = { who: 'domain', domains: (input: { readonly name: string }) => [domainOf(input.name)] } as const;

const tagged = object({ kind, object: anyText('The domain, or the address.', 330) });
const counted = object({
  tag: anyText('The word.', 100),
  domains: count('That have it.'),
  mailboxes: count('That have it.'),
  aliases: count('That have it.'),
  lists: count('That have it.'),
});
type Tagged = Type.Static<typeof tagged>;

/** As `next` of a page has it. */
function readEnd(after: string): Tagged {
  const [, of, name = ''] = /^(domain|mailbox|alias|list) (.+)$/.exec(after) ?? [];
  if (of === undefined) fail(422, 'invalid-field', '"after" is not the end of a page', { field: 'after' });
  return { kind: of as Tagged['kind'], object: name };
}

export const tagOperations = [
  operation({
    name: 'tag.list',
    summary: 'List the tags of the whole host, with how many objects have each.',
    method: 'GET',
    path: '/tags',
    input: object({}),
    output: object({ items: Type.Array(counted) }),
    access: { who: 'host' },
    kind: 'read',
    run: async (_input, { view }) => ({ items: await view.tags.list() }),
  }),
  operation({
    name: 'tag.objects',
    summary: 'List what has a tag: domains, mailboxes, aliases, lists.',
    method: 'GET',
    path: '/tagged/{tag}',
    input: object({ tag: anyText('The word.', 100), ...pageInput }),
    output: page(tagged),
    access: { who: 'host' },
    kind: 'read',
    run: async ({ tag, after, limit = usualPage }, { view }) => {
      const from = after === undefined ? {} : { after: readEnd(after) };
      const found = await view.tags.objects(tag, { ...from, limit: limit + 1 });
      return toPage(found, limit, (one) => `${one.kind} ${one.object}`);
    },
  }),
  operation({
    name: 'tag.show',
    summary: 'List the tags of a domain, a mailbox, an alias or a list.',
    method: 'GET',
    path: '/tags/{kind}/{name}',
    input: object(byName),
    output: tags,
    access,
    kind: 'read',
    run: async ({ kind: of, name }, { view }) => ({ tags: await view.tags.of(of, name) }),
  }),
  operation({
    name: 'tag.change',
    summary: 'Put tags on an object, and take others away.',
    method: 'PATCH',
    path: '/tags/{kind}/{name}',
    input: object({ ...byName, add: optional(words('Tags.', 50)), remove: optional(words('Tags.', 50)) }),
    output: tags,
    access,
    kind: 'change',
    shownBy: 'tag.show',
    run: async ({ kind: of, name, add = [], remove = [] }, { view }) => ({
      tags: await view.tags.change(of, name, add, remove),
    }),
  }),
  operation({
    name: 'mailbox.references',
    summary: 'Say what names the address of a mailbox: aliases, lists, forwards, rights to send.',
    method: 'GET',
    path: '/mailboxes/{address}/references',
    input: object({ address: address() }),
    output: Type.Record(Type.String(), Type.Array(Type.String())),
    access: { who: 'domain', domains: (input) => [domainOf(input.address)] },
    kind: 'read',
    run: async (input, { view, sight }) => referencesWithin(await view.mailboxes.references(input.address), sight),
  }),
];
