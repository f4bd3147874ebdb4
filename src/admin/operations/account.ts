// What concerns whoever is logged in: logging in and out, who one is, one's sessions and one's own password.

import { Type } from 'typebox';
import { hashPassword } from '../../auth/password-scheme.ts';
import type { Owner } from '../../directory/api-tokens.ts';
import type { DirectoryView } from '../../directory/directory-view.ts';
import { identifyOwner } from '../identify.ts';
import { beginSession } from '../begin-session.ts';
import { checkNewPassword } from '../new-passwords.ts';
import { type OperationContext, operation } from '../operation.ts';
import { needPassword } from '../password-login.ts';
import type { Principal } from '../principal.ts';
import { fail } from '../problem.ts';
import { anyText, count, object, optional, password, removed, time, words, yes } from '../schemas.ts';
import { checkSecondFactor } from '../totp.ts';

const login = Type.String({
  description: "An administrator's login, or a mailbox's address.",
  minLength: 1,
  maxLength: 320,
});
export const account = object({
  login,
  role: Type.Enum(['user', 'domain', 'host']),
  domains: optional(words('Those that one administers; absent for the host: all.')),
  mustChange: yes('The password must be changed before anything else.'),
  scopes: optional(words('Of the token.')),
});
const session = object({
  id: anyText('Its name.'),
  isThis: yes('It is the one that asks.'),
  created: time('When it began.'),
  expires: time('When it ends at the latest.'),
  seen: time('When it was last used.'),
  address: anyText('From where.'),
  program: anyText('With what.'),
});

const wrongLogin = { status: 401, detail: 'the login or the password is wrong' } as const;

export function describeAccount(principal: Principal, { directory }: Pick<OperationContext, 'directory'>) {
  const { login: name, role, mustChange = false, scopes, owner } = principal;
  const isDomain = role === 'domain' && owner !== undefined;
  return {
    login: name,
    role,
    ...(isDomain ? { domains: directory.lookups.identities.domainsOf(owner.id) } : {}),
    mustChange,
    ...(scopes === undefined ? {} : { scopes }),
  };
}

export function ownerOf({ owner }: Principal): Owner {
  return owner ?? fail(403, 'not-allowed', 'this needs a person who has logged in');
}

/** What opens the account besides the password. */
export async function keysOf(
  { tokens, secondFactors, appPasswords }: Pick<DirectoryView, 'tokens' | 'secondFactors' | 'appPasswords'>,
  owner: Owner,
  of: string,
) {
  return {
    tokens: (await tokens.list(owner)).length,
    passkeys: (await secondFactors.passkeys(owner)).length,
    appPasswords: owner.kind === 'mailbox' ? (await appPasswords.list(of)).length : 0,
  };
}

export const accountOperations = [
  operation({
    name: 'session.add',
    summary: 'Log in with a password; a browser gets a cookie.',
    method: 'POST',
    path: '/session',
    input: object({
      login,
      password: password('The password.'),
      code: optional(anyText('Of the app, or a recovery code, where one is needed.', 64)),
    }),
    output: account,
    access: { who: 'anyone' },
    kind: 'act',
    run: async ({ code, ...input }, context) => {
      const { server, directory, principal } = context;
      const { address } = principal;
      const owner = await needPassword({ ...input, address }, server, wrongLogin);
      const known = identifyOwner(directory, owner, address, server.clock.now());
      if (known === undefined) fail(401, 'denied', wrongLogin.detail);
      await checkSecondFactor(directory, owner, code, { login: known.login, address }, server);
      await beginSession(owner, context);
      return describeAccount(known, context);
    },
  }),
  operation({
    name: 'session.remove',
    summary: 'Log out.',
    method: 'DELETE',
    path: '/session',
    input: object({}),
    output: removed,
    access: { who: 'known' },
    kind: 'act',
    isPersonal: true,
    run: async (_input, { principal, directory, setSession }) => {
      if (principal.sessionId !== undefined) await directory.sessions.remove(ownerOf(principal), principal.sessionId);
      setSession(undefined);
      return { removed: true };
    },
  }),
  operation({
    name: 'account.show',
    summary: 'Say who is asking, and what he may do.',
    method: 'GET',
    path: '/account',
    input: object({}),
    output: account,
    access: { who: 'known' },
    kind: 'read',
    run: async (_input, context) => describeAccount(context.principal, context),
  }),
  operation({
    name: 'account.password',
    summary:
      "Change one's own password; all other sessions end. Tokens, passkeys and app passwords go on; how many is said.",
    method: 'PUT',
    path: '/account/password',
    input: object({ current: password('The password so far.'), password: password('The new one.') }),
    output: object({
      changed: Type.Literal(true),
      tokens: count('API tokens that go on.'),
      passkeys: count('Passkeys that go on.'),
      appPasswords: count('App passwords that go on.'),
    }),
    access: { who: 'known' },
    kind: 'act',
    isPersonal: true,
    run: async ({ current, password: plain }, { principal, directory, server, setSession, program }) => {
      const owner = ownerOf(principal);
      checkNewPassword(plain);
      const asked = { login: principal.login, password: current, address: principal.address };
      await needPassword(asked, server, { status: 403, detail: 'the password so far is wrong', field: 'current' });
      const next = { passwordHash: await hashPassword(plain), keepsKeys: true };
      await directory.whole(`api:${principal.login}`, async (view) => {
        if (owner.kind === 'admin') await view.administrators.set(principal.login, { ...next, mustChange: false });
        else await view.mailboxes.set(principal.login, next);
        await view.sessions.removeAll(owner);
      });
      if (owner.kind === 'mailbox') await server.keepScramKeys(principal.login, plain);
      if (principal.sessionId !== undefined) {
        setSession((await directory.sessions.add(owner, principal.address, program)).secret);
      }
      return { changed: true, ...(await keysOf(directory, owner, principal.login)) };
    },
  }),
  operation({
    name: 'account.password-by-login',
    summary: "Change a mailbox's password with the one so far, also by a form: for webmail. All its sessions end.",
    method: 'POST',
    path: '/self/password',
    input: object({
      user: login,
      curpass: password('The password so far.'),
      newpass: password('The new one.'),
      code: optional(anyText('Of the app, or a recovery code, where one is needed.', 64)),
    }),
    output: object({ changed: Type.Literal(true) }),
    access: { who: 'anyone' },
    kind: 'act',
    run: async ({ user, curpass, newpass, code }, { principal: { address }, directory, server }) => {
      checkNewPassword(newpass, 'newpass');
      const owner = await needPassword({ login: user, password: curpass, address }, server, wrongLogin);
      if (owner.kind !== 'mailbox') fail(401, 'denied', wrongLogin.detail);
      const known = identifyOwner(directory, owner, address, server.clock.now());
      if (known === undefined) fail(401, 'denied', wrongLogin.detail);
      await checkSecondFactor(directory, owner, code, { login: known.login, address }, server);
      const passwordHash = await hashPassword(newpass);
      await directory.whole(`api:${known.login}`, async (view) => {
        await view.mailboxes.set(known.login, { passwordHash, keepsKeys: true });
        await view.sessions.removeAll(owner);
      });
      await server.keepScramKeys(known.login, newpass);
      return { changed: true };
    },
  }),
  operation({
    name: 'account.sessions',
    summary: "List one's sessions.",
    method: 'GET',
    path: '/account/sessions',
    input: object({}),
    output: object({ items: Type.Array(session) }),
    access: { who: 'known' },
    kind: 'read',
    isPersonal: true,
    run: async (_input, { principal, view }) => {
      const all = await view.sessions.list(ownerOf(principal));
      return { items: all.map((one) => ({ ...one, isThis: one.id === principal.sessionId })) };
    },
  }),
  operation({
    name: 'account.session-remove',
    summary: "End one of one's sessions.",
    method: 'DELETE',
    path: '/account/sessions/{id}',
    input: object({ id: anyText('Its name.', 64) }),
    output: removed,
    access: { who: 'known' },
    kind: 'change',
    isPersonal: true,
    run: async ({ id }, { principal, view }) => {
      await view.sessions.remove(ownerOf(principal), id);
      return { removed: true };
    },
  }),
  operation({
    name: 'account.sessions-remove',
    summary: "End all of one's sessions but this one.",
    method: 'DELETE',
    path: '/account/sessions',
    input: object({}),
    output: removed,
    access: { who: 'known' },
    kind: 'change',
    isPersonal: true,
    run: async (_input, { principal, view }) => {
      await view.sessions.removeAll(ownerOf(principal), principal.sessionId);
      return { removed: true };
    },
  }),
];
