// Words that administrators put on their domains, mailboxes, aliases and lists, and what names a mailbox.

import { Type } from 'typebox';
import { operation } from '../operation.ts';
import { address, anyText, object, optional, words } from '../schemas.ts';
import { domainOf, referencesWithin } from './mailboxes.ts';

const kind = Type.Enum(['domain', 'mailbox', 'alias', 'list']);
const byName = { kind, name: anyText('The domain, or the address.', 330) };
const tags = object({ tags: Type.Array(Type.String(), { description: 'In order.' }) });
const access = { who: 'domain', domains: (input: { readonly name: string }) => [domainOf(input.name)] } as const;

export const tagOperations = [
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
