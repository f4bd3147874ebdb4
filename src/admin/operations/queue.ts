// The queue: the host's alone, since a message may be of several domains.

import { Type } from 'typebox';
import { expiredByForce, type QueueMessage } from '../../mailstore/types.ts';
import { operation } from '../operation.ts';
import { failMissing } from '../problem.ts';
import { anyText, count, object, optional, page, pageInput, time, toPage } from '../schemas.ts';

const state = Type.Enum(['incoming', 'active', 'deferred', 'hold']);
const info = object({
  id: anyText('Queue id.'),
  state,
  sender: anyText('Empty: the null sender.'),
  size: count('Bytes.'),
  arrival: time('When it came.'),
  attempts: count('Deliveries tried.'),
  nextAttempt: optional(time('When it is tried again.')),
  isExpired: Type.Boolean({ description: 'It goes back at the next attempt.' }),
  recipients: Type.Array(
    object({
      recipient: anyText('Where it goes.'),
      original: anyText('As the client gave it.'),
      transport: anyText('The service that delivers it.'),
      nexthop: anyText('Its next hop.'),
      status: anyText('Of the last attempt.'),
      reason: anyText('Of the last attempt.'),
    }),
  ),
});

function describe(message: QueueMessage, active: ReadonlySet<string>): object {
  const { id, sender, size, arrival, attempts, nextAttempt, hold, recipients } = message;
  const isExpired = nextAttempt === expiredByForce;
  const word = hold ? 'hold' : active.has(id) ? 'active' : attempts > 0 ? 'deferred' : 'incoming';
  const next = hold || isExpired ? {} : { nextAttempt: Math.floor(nextAttempt) };
  return {
    id,
    state: word,
    sender,
    size,
    arrival: Math.floor(arrival),
    attempts,
    ...next,
    isExpired,
    recipients: recipients.map(({ recipient, original, transport, nexthop, status, reason }) => {
      return { recipient, original, transport, nexthop, status, reason };
    }),
  };
}

const changes = ['remove', 'hold', 'release', 'requeue', 'expire', 'flush'] as const;
const changeTexts = {
  remove: 'Delete messages from the queue.',
  hold: 'Put messages on hold.',
  release: 'Take messages from hold.',
  requeue: 'Route messages again.',
  expire: 'Send messages back at once.',
  flush: 'Try messages now.',
} as const;

export const queueOperations = [
  operation({
    name: 'queue.list',
    summary: 'List what is queued.',
    method: 'GET',
    path: '/queue',
    input: object(pageInput),
    output: page(info),
    access: { who: 'host' },
    kind: 'read',
    run: async ({ after = '', limit = 100 }, { server }) => {
      const active = new Set((await server.control({ command: 'queue-active' })) as string[]);
      const found = toPage(server.queue.list(after, limit + 1), limit, ({ id }) => id);
      return { ...found, items: found.items.map((message) => describe(message, active)) };
    },
  }),
  operation({
    name: 'queue.show',
    summary: 'Show a queued message.',
    method: 'GET',
    path: '/queue/{id}',
    input: object({ id: Type.String({ pattern: '^\\w{1,100}$' }) }),
    output: info,
    access: { who: 'host' },
    kind: 'read',
    run: async ({ id }, { server }) => {
      const message = server.queue.message(id) ?? failMissing();
      return describe(message, new Set((await server.control({ command: 'queue-active' })) as string[]));
    },
  }),
  ...changes.map((change) =>
    operation({
      name: `queue.${change}`,
      summary: changeTexts[change],
      method: 'POST',
      path: `/queue/${change}`,
      input: object({
        ids: Type.Array(Type.String({ pattern: '^\\w{1,100}$' }), { minItems: 1, maxItems: 200 }),
      }),
      output: object({ ids: Type.Array(Type.String(), { description: 'Those that it was done to.' }) }),
      access: { who: 'host' },
      kind: 'act',
      run: async ({ ids }, { server }) => ({ ids: await server.control({ command: 'queue-change', change, ids }) }),
    }),
  ),
  operation({
    name: 'queue.flush-all',
    summary: 'Try everything in the queue now.',
    method: 'POST',
    path: '/queue/flush-all',
    input: object({}),
    output: object({ flushed: Type.Literal(true) }),
    access: { who: 'host' },
    kind: 'act',
    run: async (_input, { server }) => {
      await server.control({ command: 'queue-flush' });
      return { flushed: true };
    },
  }),
];
