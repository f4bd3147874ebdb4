// App passwords: of one mailbox, for its owner and who administers its domain.

import { Type } from 'typebox';
import { appPasswordDigest } from '../../auth/directory-accounts.ts';
import type { AppPasswordInfo } from '../../directory/app-passwords.ts';
import { makePassword } from '../new-passwords.ts';
import { operation } from '../operation.ts';
import type { Sight } from '../principal.ts';
import { address, anyText, object, optional, page, pageInput, removed, time, toPage, words, yes } from '../schemas.ts';

const name = anyText('What it is for: telephone, scanner …', 64);
const limits = {
  protocols: optional(words('smtp, imap, pop3, sieve, http; empty: all.', 10)),
  senders: optional(words('Envelope senders: addresses, @domain, <> for the null sender; empty: all.', 100)),
  expires: optional(time('When it ends; 0: never.')),
};
const info = object({
  id: optional(Type.Integer({ description: 'Shown to administrators of the host.' })),
  mailbox: address(),
  name,
  protocols: words('Empty: all.'),
  senders: words('Empty: all.'),
  expires: optional(time('When it ends.')),
  recoverable: yes('The password itself is kept, for CRAM-MD5.'),
  created: time('When it was added.'),
  used: optional(object({ time: time('Its last use.'), protocol: anyText('How.'), address: anyText('From where.') })),
});
const ofMailbox = { mailbox: address('The mailbox.') };
const access = { who: 'user', mailbox: (input: { readonly mailbox: string }) => input.mailbox } as const;

function shown(one: AppPasswordInfo, sight: Sight): object {
  if (sight.seesAll) return one;
  const { id: _, ...rest } = one;
  return rest;
}

export const appPasswordOperations = [
  operation({
    name: 'app-password.list',
    summary: 'List the app passwords of a mailbox.',
    method: 'GET',
    path: '/mailboxes/{mailbox}/app-passwords',
    input: object(ofMailbox),
    output: object({ items: Type.Array(info) }),
    access,
    kind: 'read',
    run: async ({ mailbox }, { view, sight }) => ({
      items: (await view.appPasswords.list(mailbox)).map((one) => shown(one, sight)),
    }),
  }),
  operation({
    name: 'app-password.list-all',
    summary: 'List the app passwords of all mailboxes.',
    method: 'GET',
    path: '/app-passwords',
    input: object(pageInput),
    output: page(info),
    access: { who: 'host' },
    kind: 'read',
    run: async ({ after = '0', limit = 100 }, { view }) =>
      toPage(await view.appPasswords.listAll(Number(after) || 0, limit + 1), limit, ({ id }) => String(id)),
  }),
  operation({
    name: 'app-password.add',
    summary: 'Add an app password; it is made and given once.',
    method: 'POST',
    path: '/mailboxes/{mailbox}/app-passwords',
    input: object({ ...ofMailbox, name, ...limits }),
    output: object({ ...info.properties, password: anyText('Nobody can see it again.') }),
    access,
    kind: 'change',
    run: async ({ expires, ...added }, { view, sight, server, afterwards }) => {
      const password = makePassword();
      const digest = appPasswordDigest(password);
      const end = expires === undefined ? {} : { expires };
      const one = await view.appPasswords.add({ ...added, ...end, digest });
      afterwards(async () => await server.keepScramKeys(one.mailbox, password, { id: one.id, digest }));
      return { ...shown(one, sight), password };
    },
  }),
  operation({
    name: 'app-password.show',
    summary: 'Show an app password: its limits and its last use.',
    method: 'GET',
    path: '/mailboxes/{mailbox}/app-passwords/{name}',
    input: object({ ...ofMailbox, name }),
    output: info,
    access,
    kind: 'read',
    run: async ({ mailbox, name: one }, { view, sight }) => shown(await view.appPasswords.need(mailbox, one), sight),
  }),
  operation({
    name: 'app-password.set',
    summary: "Change an app password's name or limits.",
    method: 'PATCH',
    path: '/mailboxes/{mailbox}/app-passwords/{name}',
    input: object({ ...ofMailbox, name, newName: optional(name), ...limits }),
    output: info,
    access,
    kind: 'change',
    run: async ({ mailbox, name: one, newName, ...change }, { view, sight }) => {
      const renamed = newName === undefined ? {} : { name: newName };
      return shown(await view.appPasswords.set(mailbox, one, { ...change, ...renamed }), sight);
    },
  }),
  operation({
    name: 'app-password.remove',
    summary: 'Remove an app password: it opens nothing from now on.',
    method: 'DELETE',
    path: '/mailboxes/{mailbox}/app-passwords/{name}',
    input: object({ ...ofMailbox, name }),
    output: removed,
    access,
    kind: 'change',
    run: async ({ mailbox, name: one }, { view }) => {
      await view.appPasswords.remove(mailbox, one);
      return { removed: true };
    },
  }),
];
