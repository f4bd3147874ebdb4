// By what, from where and when somebody has logged in lately, or has failed to: for whoever it is, and for the administrators
// of a mailbox's domain.

import { Type } from 'typebox';
import { operation } from '../operation.ts';
import { address, anyText, object, time } from '../schemas.ts';
import { ownerOf } from './account.ts';

const output = object({
  items: Type.Array(
    object({
      outcome: Type.Enum(['in', 'failed'], { description: 'in: logged in; failed: with a wrong secret.' }),
      protocol: anyText('smtp, imap, pop3, sieve, http …'),
      address: anyText('From where.'),
      since: time('The first time.'),
      time: time('The last time.'),
    }),
  ),
});

export const recentLoginOperations = [
  operation({
    name: 'account.logins',
    summary: "List one's last logins, the newest first: one for each way and address.",
    method: 'GET',
    path: '/account/logins',
    input: object({}),
    output,
    access: { who: 'known' },
    kind: 'read',
    isPersonal: true,
    run: async (_input, { view, principal }) => ({ items: await view.recentLogins.list(ownerOf(principal)) }),
  }),
  operation({
    name: 'mailbox.logins',
    summary: 'List the last logins to a mailbox, the newest first: one for each way and address.',
    method: 'GET',
    path: '/mailboxes/{address}/logins',
    input: object({ address: address() }),
    output,
    access: { who: 'user', mailbox: ({ address: own }) => own },
    kind: 'read',
    run: async ({ address: own }, { view }) => ({ items: await view.recentLogins.ofMailbox(own) }),
  }),
];
