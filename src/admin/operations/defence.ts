// Lock-outs and alarms. A domain administrator sees and ends those of accounts of his domains; addresses and networks are
// the host's.

import { Type } from 'typebox';
import type { Alarm } from '../../defence/abuse-alarm.ts';
import type { Lockout } from '../../defence/lockouts.ts';
import type { FailedLogin } from '../../defence/recent-failures.ts';
import { type OperationContext, operation } from '../operation.ts';
import type { Sight } from '../principal.ts';
import { failMissing } from '../problem.ts';
import { anyText, count, object, time } from '../schemas.ts';

const lockout = object({
  kind: Type.Enum(['address', 'network', 'account', 'account-network']),
  subject: anyText('Who is locked out.'),
  since: time('When it began.'),
  until: time('When it ends.'),
  times: count('How many there have been within a day of each other.'),
});
const alarm = object({
  login: anyText('The user.'),
  kind: Type.Enum(['recipients', 'rejected', 'networks']),
  text: anyText('Why.'),
  since: time('When it began.'),
});

function isSeen({ kind, subject }: Lockout, sight: Sight): boolean {
  if (sight.seesAll) return true;
  if (kind !== 'account' && kind !== 'account-network') return false;
  return sight.address(subject.split(' from ')[0] ?? '');
}

async function lockoutsOf({ server, sight }: OperationContext): Promise<Lockout[]> {
  const all = (await server.control({ command: 'lockouts' })) as Lockout[];
  return all.filter((one) => isSeen(one, sight));
}

async function alarmsOf({ server, sight }: OperationContext): Promise<Alarm[]> {
  const all = (await server.control({ command: 'alarms' })) as Alarm[];
  return all.filter(({ login }) => sight.seesAll || sight.address(login));
}

export const defenceOperations = [
  operation({
    name: 'lockout.list',
    summary: 'List who may not log in for now.',
    method: 'GET',
    path: '/lockouts',
    input: object({}),
    output: object({ items: Type.Array(lockout) }),
    access: { who: 'domain', domains: () => [] },
    kind: 'read',
    run: async (_input, context) => ({ items: await lockoutsOf(context) }),
  }),
  operation({
    name: 'lockout.remove',
    summary: 'Lift a lock-out: of an address, a network or an account.',
    method: 'DELETE',
    path: '/lockouts/{subject}',
    input: object({ subject: anyText('As it is listed.', 500) }),
    output: object({ items: Type.Array(lockout, { description: 'Those that were lifted.' }) }),
    access: { who: 'domain', domains: () => [] },
    kind: 'act',
    run: async ({ subject }, context) => {
      const found = (await lockoutsOf(context)).filter((one) => one.subject === subject);
      if (found.length === 0) failMissing();
      return { items: await context.server.control({ command: 'lockout-remove', subject }) };
    },
  }),
  operation({
    name: 'lockout.failures',
    summary: 'List the last failed logins since the start of the server, the newest first.',
    method: 'GET',
    path: '/failed-logins',
    input: object({}),
    output: object({
      items: Type.Array(
        object({
          account: anyText('As it was given.'),
          address: anyText('From where.'),
          protocol: anyText('imap, smtp, http …'),
          first: time('The first time.'),
          last: time('The last time.'),
          times: count('How often.'),
        }),
      ),
    }),
    access: { who: 'domain', domains: () => [] },
    kind: 'read',
    run: async (_input, { server, sight }) => {
      const all = (await server.control({ command: 'lockout-failures' })) as FailedLogin[];
      return { items: all.filter(({ account }) => sight.seesAll || sight.address(account)) };
    },
  }),
  operation({
    name: 'alarm.list',
    summary: 'List users who send as they never do.',
    method: 'GET',
    path: '/alarms',
    input: object({}),
    output: object({ items: Type.Array(alarm) }),
    access: { who: 'domain', domains: () => [] },
    kind: 'read',
    run: async (_input, context) => ({ items: await alarmsOf(context) }),
  }),
  operation({
    name: 'alarm.remove',
    summary: 'End the alarms about a user.',
    method: 'DELETE',
    path: '/alarms/{login}',
    input: object({ login: anyText('The user.', 320) }),
    output: object({ items: Type.Array(alarm, { description: 'Those that were ended.' }) }),
    access: { who: 'domain', domains: () => [] },
    kind: 'act',
    run: async ({ login }, context) => {
      const found = (await alarmsOf(context)).filter((one) => one.login === login);
      if (found.length === 0) failMissing();
      await context.server.control({ command: 'alarm-remove', subject: login });
      return { items: found };
    },
  }),
];
