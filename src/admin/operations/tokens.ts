// Tokens of the API: everybody's own; the host's administrators see all. A token that makes another gives it no more than it
// has itself, and no longer.

import { Type } from 'typebox';
import type { Owner } from '../../directory/api-tokens.ts';
import type { DirectoryView } from '../../directory/directory-view.ts';
import { fold } from '../../directory/mail-address.ts';
import { hasScope } from '../authorize.ts';
import { operation } from '../operation.ts';
import type { Principal } from '../principal.ts';
import { fail } from '../problem.ts';
import { anyText, object, optional, page, pageInput, removed, time, toPage } from '../schemas.ts';

const name = anyText('What it is for.', 64);
const scopes = Type.Array(
  Type.String({ pattern: '^(?:\\*|[a-z-]+|\\*:(?:read|write|\\*)|[a-z-]+:(?:read|write|\\*))$' }),
  {
    description: 'As mailbox:read, alias:write, *:read; * is everything that its owner may.',
    minItems: 1,
    maxItems: 64,
  },
);
const info = object({
  id: Type.Integer(),
  name,
  owner: anyText("The administrator's login, or the mailbox's address."),
  scopes: Type.Array(Type.String()),
  created: time('When it was added.'),
  expires: optional(time('When it ends.')),
  used: optional(object({ time: time('Its last use.'), address: anyText('From where.') })),
});

/** Somebody else's is the host's to make and to remove. */
function ownerFor(login: string | undefined, principal: Principal, view: Pick<DirectoryView, 'lookups'>): Owner {
  if (login === undefined || fold(login) === fold(principal.login)) {
    return principal.owner ?? fail(422, 'missing-field', 'whose token?', { field: 'owner' });
  }
  if (principal.role !== 'host') fail(403, 'not-allowed', 'tokens are made for oneself', { field: 'owner' });
  const admin = view.lookups.identities.adminByLogin(fold(login));
  if (admin !== undefined) return { kind: 'admin', id: admin.id };
  const mailbox = view.lookups.mailboxByAddress(login);
  if (mailbox !== undefined) return { kind: 'mailbox', id: mailbox.id };
  fail(422, 'names-what-is-not-there', `nobody is called ${login}`, { field: 'owner' });
}

function checkNoMore(principal: Principal, wanted: readonly string[], expires: number): void {
  const { scopes: own, tokenExpires = 0 } = principal;
  if (own === undefined) return;
  const more = wanted.find((scope) => !own.includes('*') && !hasScope(own, scope.includes(':') ? scope : `${scope}:*`));
  if (more !== undefined) fail(403, 'scope', `this token has not got ${more} to give`, { field: 'scopes' });
  if (tokenExpires !== 0 && (expires === 0 || expires > tokenExpires)) {
    fail(403, 'scope', 'this token ends before that one would', { field: 'expires' });
  }
}

export const tokenOperations = [
  operation({
    name: 'token.list',
    summary: "List one's tokens, or everybody's.",
    method: 'GET',
    path: '/tokens',
    input: object({
      ...pageInput,
      all: optional(Type.Boolean({ description: "Everybody's: for the host's administrators." })),
    }),
    output: page(info),
    access: { who: 'known' },
    kind: 'read',
    run: async ({ all = false, after = '0', limit = 100 }, { view, principal }) => {
      const { owner, role } = principal;
      if (all && role !== 'host')
        fail(403, 'not-allowed', 'only an administrator of the host may see all', { field: 'all' });
      if (all || owner === undefined) {
        return toPage(await view.tokens.listAll(Number(after) || 0, limit + 1), limit, ({ id }) => String(id));
      }
      const own = await view.tokens.list(owner);
      return { items: own };
    },
  }),
  operation({
    name: 'token.add',
    summary: 'Make a token; its secret is given once.',
    method: 'POST',
    path: '/tokens',
    input: object({
      name,
      scopes,
      expires: optional(time('When it ends; 0: never.')),
      owner: optional(anyText("Somebody else's: for the host's administrators.", 320)),
    }),
    output: object({ ...info.properties, secret: anyText('Nobody can see it again.') }),
    access: { who: 'known' },
    kind: 'change',
    run: async ({ owner, expires = 0, ...added }, { view, principal }) => {
      checkNoMore(principal, added.scopes, expires);
      return await view.tokens.add({ ...added, expires, owner: ownerFor(owner, principal, view) });
    },
  }),
  operation({
    name: 'token.remove',
    summary: 'Remove a token: it opens nothing from now on.',
    method: 'DELETE',
    path: '/tokens/{id}',
    input: object({ id: Type.Integer({ minimum: 1 }) }),
    output: removed,
    access: { who: 'known' },
    kind: 'change',
    run: async ({ id }, { view, principal }) => {
      await view.tokens.remove(id, principal.role === 'host' ? undefined : principal.owner);
      return { removed: true };
    },
  }),
];
