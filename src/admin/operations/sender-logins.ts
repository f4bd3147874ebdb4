// Who may send as an address. Grants and denials name a login: a domain administrator names those of his domains.

import { Type } from 'typebox';
import type { SenderRight } from '../../directory/sender-rights.ts';
import type { DirectoryView } from '../../directory/directory-view.ts';
import type { SenderReason } from '../../directory/sender-logins.ts';
import { operation } from '../operation.ts';
import type { Sight } from '../principal.ts';
import { fail } from '../problem.ts';
import { anyText, domainName, object, optional, page, pageInput, removed, time, yes } from '../schemas.ts';
import { domainOf } from './mailboxes.ts';

const place = anyText('An address, or @domain for all of a domain.', 330);
const login = anyText('The mailbox that logs in.', 320);
const right = object({
  address: place,
  login,
  allowed: yes('True is a grant, false a denial.'),
  created: time('When it was added.'),
});
const reason = object({ login, because: anyText('As: its own mailbox.') });
const byBoth = { address: place, login };
const ofBoth = (input: { readonly address: string; readonly login: string }): string[] => [
  domainOf(input.address),
  domainOf(input.login),
];

export const senderLoginOperations = [
  operation({
    name: 'sender-login.list',
    summary: 'List grants and denials: who may send as an address beyond those who receive its mail.',
    method: 'GET',
    path: '/sender-logins',
    input: object({
      ...pageInput,
      domain: optional(domainName('Of addresses of this domain only.')),
      address: optional(place),
      login: optional(login),
    }),
    output: page(right),
    access: {
      who: 'domain',
      domains: ({ domain, address, login: name }) => [
        ...(domain === undefined ? [] : [domain]),
        ...(address === undefined ? [] : [domainOf(address)]),
        ...(name === undefined ? [] : [domainOf(name)]),
      ],
    },
    kind: 'read',
    run: async ({ after, limit = 100, domain: only, ...narrowed }, { view, sight }) => {
      const items: SenderRight[] = [];
      const last = after === undefined ? undefined : readKey(after);
      for (const domain of only === undefined ? await namesOf(view, sight) : [only]) {
        const reached = last === undefined || domain === undefined ? undefined : domainOf(last.address);
        if (domain !== undefined && reached !== undefined && domain < reached) continue;
        const query = { ...narrowed, ...(domain === undefined ? {} : { domain }) };
        const from = reached === undefined || domain === reached ? last : undefined;
        items.push(...(await readAll(query, from, limit + 1 - items.length, view, sight)));
        if (items.length > limit) break;
      }
      const shown = items.slice(0, limit);
      const end = shown.at(-1);
      return { items: shown, ...(items.length > limit && end !== undefined ? { next: writeKey(end) } : {}) };
    },
  }),
  operation({
    name: 'sender-login.add',
    summary: 'Let a login send as an address, or forbid it.',
    method: 'POST',
    path: '/sender-logins',
    input: object({ ...byBoth, allowed: optional(yes('False forbids it; true without.')) }),
    output: right,
    access: { who: 'domain', domains: ofBoth },
    kind: 'change',
    run: async ({ address, login: name, allowed = true }, { view }) =>
      await view.senderRights.add(address, name, allowed),
  }),
  operation({
    name: 'sender-login.show',
    summary: 'Say who may send as an address, and why.',
    method: 'GET',
    path: '/sender-logins/{address}',
    input: object({ address: place }),
    output: object({
      address: place,
      answeredBy: Type.Union([place, Type.Null()], { description: 'The key that answered.' }),
      allowed: Type.Array(reason),
      denied: Type.Array(reason),
    }),
    access: { who: 'domain', domains: ({ address }) => [domainOf(address)] },
    kind: 'read',
    run: async ({ address }, { view, sight }) => {
      const { key = null, allowed = [], denied = [] } = view.senderRights.answer(address) ?? {};
      const seen = (reasons: readonly SenderReason[]) => reasons.filter(({ login: one }) => sight.mayName(one));
      return { address, answeredBy: key, allowed: seen(allowed), denied: seen(denied) };
    },
  }),
  operation({
    name: 'sender-login.set',
    summary: 'Make a grant a denial, or the other way round.',
    method: 'PUT',
    path: '/sender-logins/{address}/{login}',
    input: object({ ...byBoth, allowed: yes('True is a grant, false a denial.') }),
    output: right,
    access: { who: 'domain', domains: ofBoth },
    kind: 'change',
    run: async ({ address, login: name, allowed }, { view }) => await view.senderRights.set(address, name, allowed),
  }),
  operation({
    name: 'sender-login.remove',
    summary: 'Remove a grant or a denial.',
    method: 'DELETE',
    path: '/sender-logins/{address}/{login}',
    input: object(byBoth),
    output: removed,
    access: { who: 'domain', domains: ofBoth },
    kind: 'change',
    run: async ({ address, login: name }, { view }) => {
      await view.senderRights.remove(address, name);
      return { removed: true };
    },
  }),
];

/** What a domain administrator looks through: his domains and their alias domains; undefined is all at once. */
async function namesOf(view: DirectoryView, sight: Sight): Promise<readonly (string | undefined)[]> {
  const mine = sight.domains;
  if (mine === undefined) return [undefined];
  const infos = await Promise.all(mine.map(async (name) => await view.domains.show(name)));
  return infos.flatMap((one) => (one === undefined ? [] : [one.name, ...one.aliasDomains])).sort();
}

/** Without those of logins that he may not know of. */
async function readAll(
  query: { readonly domain?: string; readonly address?: string; readonly login?: string },
  after: SenderRight | undefined,
  wanted: number,
  view: DirectoryView,
  sight: Sight,
): Promise<SenderRight[]> {
  const items: SenderRight[] = [];
  let last = after;
  for (;;) {
    const found = await view.senderRights.list({
      ...query,
      ...(last === undefined ? {} : { after: last }),
      limit: wanted,
    });
    items.push(...found.filter(({ login: one }) => sight.mayName(one)));
    last = found.at(-1) ?? last;
    if (items.length >= wanted || found.length < wanted) return items.slice(0, wanted);
  }
}

function writeKey({ address, login: name }: SenderRight): string {
  return `${address} ${name}`;
}

function readKey(text: string): SenderRight {
  const [address = '', name = ''] = text.split(' ');
  if (!address.includes('@')) fail(422, 'invalid-field', '"after" is not the end of a page', { field: 'after' });
  return { address, login: name, allowed: true, created: 0 };
}
