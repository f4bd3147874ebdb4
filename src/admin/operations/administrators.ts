// Administrators: the host's to make and to change.

import { Type } from 'typebox';
import { hashPassword } from '../../auth/password-scheme.ts';
import type { Owner } from '../../directory/api-tokens.ts';
import type { DirectoryView } from '../../directory/directory-view.ts';
import { fold } from '../../directory/mail-address.ts';
import { keysOf } from './account.ts';
import { checkNewPassword, makePassword } from '../new-passwords.ts';
import { operation } from '../operation.ts';
import { fail, failMissing } from '../problem.ts';
import {
  anyText,
  count,
  object,
  optional,
  page,
  pageInput,
  password,
  removed,
  time,
  toPage,
  words,
  yes,
} from '../schemas.ts';

const login = anyText('Letters, digits, ".", "_", "@", "+" and "-".', 254);
const name = anyText("The administrator's name.", 255);
const role = Type.Enum(['host', 'domain'], { description: 'host: everything; domain: some domains.' });
const domains = words('Those that a domain administrator has.', 10_000);
const fields = {
  login,
  name,
  role,
  domains,
  active: yes('May log in, and use tokens.'),
  hasPassword: yes('Can log in with a password.'),
  mustChange: yes('The password must be changed before anything else.'),
  created: time('When the administrator was added.'),
};
const info = object(fields);
/** Besides, what changes without anybody's doing and is no part of what If-Match compares. */
const listed = object({
  ...fields,
  lastLogin: optional(object({ time: time('The last login with a browser.'), address: anyText('From where.') })),
  totp: yes('Codes of an app are asked for.'),
  passkeys: count('How many passkeys there are.'),
});
const session = object({
  created: time('When it began.'),
  expires: time('When it ends at the latest.'),
  seen: time('When it was last used.'),
  address: anyText('From where.'),
  program: anyText('With what.'),
});
const passwordHash = anyText('In place of the password: its hash.', 255);
const byLogin = { login };

function ownerOf(of: string, { lookups }: Pick<DirectoryView, 'lookups'>): Owner {
  const { id } = lookups.identities.adminByLogin(fold(of)) ?? failMissing();
  return { kind: 'admin', id };
}

export const administratorOperations = [
  operation({
    name: 'admin.list',
    summary: 'List the administrators.',
    method: 'GET',
    path: '/admins',
    input: object(pageInput),
    output: page(listed),
    access: { who: 'host' },
    kind: 'read',
    run: async ({ after = '', limit = 100 }, { view }) => {
      const found = toPage(await view.administrators.list({ after, limit: limit + 1 }), limit, (one) => one.login);
      const logins = await view.administrators.logins(found.items.map((one) => one.login));
      return { ...found, items: found.items.map((one) => ({ ...one, ...logins.get(one.login) })) };
    },
  }),
  operation({
    name: 'admin.add',
    summary: 'Add an administrator. Without a password one is made, which must be changed at the first login.',
    method: 'POST',
    path: '/admins',
    input: object({
      login,
      name: optional(name),
      role: optional(role),
      domains: optional(domains),
      password: optional(password()),
      mustChange: optional(yes('The password must be changed before anything else.')),
      passwordHash: optional(passwordHash),
      noPassword: optional(yes('No password: tokens and passkeys only.')),
    }),
    output: object({ ...fields, password: optional(anyText('The password that was made; nobody can see it again.')) }),
    access: { who: 'host' },
    kind: 'change',
    prepare: async ({ password: given, noPassword = false, ...rest }) => {
      const isHashed = rest.passwordHash !== undefined;
      if ((noPassword || isHashed) && given !== undefined) {
        fail(422, 'invalid-field', 'password, passwordHash and noPassword contradict each other', {
          field: 'password',
        });
      }
      if (given !== undefined) checkNewPassword(given);
      const made = given === undefined && !noPassword && !isHashed ? makePassword() : undefined;
      const plain = given ?? made;
      const hash = plain === undefined ? {} : { passwordHash: await hashPassword(plain) };
      return { made, added: { mustChange: made !== undefined, ...rest, role: rest.role ?? 'domain', ...hash } };
    },
    run: async ({ made, added }, { view }) => {
      const one = await view.administrators.add(added);
      return { ...one, ...(made === undefined ? {} : { password: made }) };
    },
  }),
  operation({
    name: 'admin.show',
    summary: 'Show an administrator.',
    method: 'GET',
    path: '/admins/{login}',
    input: object(byLogin),
    output: info,
    access: { who: 'host' },
    kind: 'read',
    passing: ['lastLogin'],
    run: async (input, { view }) => await view.administrators.need(input.login),
  }),
  operation({
    name: 'admin.set',
    summary:
      'Change an administrator; domains replace what was there. A new password ends sessions, tokens and passkeys.',
    method: 'PATCH',
    path: '/admins/{login}',
    input: object({
      login,
      name: optional(name),
      role: optional(role),
      domains: optional(domains),
      active: optional(yes('May log in, and use tokens.')),
      password: optional(password('A new password.')),
      passwordHash: optional(passwordHash),
      mustChange: optional(yes('The password must be changed before anything else.')),
    }),
    output: info,
    access: { who: 'host' },
    kind: 'change',
    shownBy: 'admin.show',
    prepare: async ({ password: given, ...rest }) => {
      if (given !== undefined) checkNewPassword(given);
      return { ...rest, ...(given === undefined ? {} : { passwordHash: await hashPassword(given) }) };
    },
    run: async ({ login: one, ...settings }, { view }) => await view.administrators.set(one, settings),
  }),
  operation({
    name: 'admin.remove',
    summary: 'Remove an administrator, with tokens and sessions.',
    method: 'DELETE',
    path: '/admins/{login}',
    input: object(byLogin),
    output: removed,
    access: { who: 'host' },
    kind: 'change',
    shownBy: 'admin.show',
    run: async (input, { view }) => {
      await view.administrators.remove(input.login);
      return { removed: true };
    },
  }),
  operation({
    name: 'admin.password',
    summary:
      'Make a new password for an administrator, to be changed at the next login; all sessions, tokens and passkeys end.',
    method: 'POST',
    path: '/admins/{login}/password',
    input: object(byLogin),
    output: object({
      login,
      password: anyText('Nobody can see it again.'),
      tokensRemoved: count('API tokens that ended.'),
      passkeysRemoved: count('Passkeys that ended.'),
    }),
    access: { who: 'host' },
    kind: 'change',
    prepare: async (input) => {
      const made = makePassword();
      return { login: input.login, made, passwordHash: await hashPassword(made) };
    },
    run: async ({ login: one, made, passwordHash }, { view }) => {
      const owner = ownerOf(one, view);
      const { tokens: tokensRemoved, passkeys: passkeysRemoved } = await keysOf(view, owner, one);
      const { login: of } = await view.administrators.set(one, { passwordHash, mustChange: true });
      return { login: of, password: made, tokensRemoved, passkeysRemoved };
    },
  }),
  operation({
    name: 'admin.sessions',
    summary: "List an administrator's sessions in browsers.",
    method: 'GET',
    path: '/admins/{login}/sessions',
    input: object(byLogin),
    output: object({ items: Type.Array(session) }),
    access: { who: 'host' },
    kind: 'read',
    run: async (input, { view }) => {
      const owner = ownerOf(input.login, view);
      const all = await view.sessions.list(owner);
      return {
        items: all.map(({ created, expires, seen, address, program }) => {
          return { created, expires, seen, address, program };
        }),
      };
    },
  }),
  operation({
    name: 'admin.sessions-remove',
    summary: 'End all sessions of an administrator in browsers. Tokens go on; how many is said.',
    method: 'DELETE',
    path: '/admins/{login}/sessions',
    input: object(byLogin),
    output: object({ ...removed.properties, tokens: count('API tokens that go on.') }),
    access: { who: 'host' },
    kind: 'change',
    run: async (input, { view }) => {
      const owner = ownerOf(input.login, view);
      await view.sessions.removeAll(owner);
      return { removed: true, tokens: (await view.tokens.list(owner)).length };
    },
  }),
];
