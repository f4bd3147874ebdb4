// The queue: the host's alone, since a message may be of several domains.

import { Type } from 'typebox';
import type { ScannedMessage } from '../../mailstore/queue-scan.ts';
import { expiredByForce, type QueueMessage } from '../../mailstore/types.ts';
import { operation } from '../operation.ts';
import { fail, failMissing } from '../problem.ts';
import { filterInput, filterOf, job, summary } from '../queue-schemas.ts';
import { actorOf } from '../principal.ts';
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
  recipientCount: count('All of its recipients that wait.'),
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
    recipientCount: recipients.length,
    isExpired,
    recipients: recipients.map(({ recipient, original, transport, nexthop, status, reason }) => {
      return { recipient, original, transport, nexthop, status, reason };
    }),
  };
}

function describeScanned({ nextAttempt, ...message }: ScannedMessage): object {
  const isExpired = nextAttempt === expiredByForce;
  const next = message.state === 'hold' || isExpired ? {} : { nextAttempt: Math.floor(nextAttempt) };
  return { ...message, arrival: Math.floor(message.arrival), ...next, isExpired };
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

const jobName = { job: anyText('Its name.', 40) };

export const queueOperations = [
  operation({
    name: 'queue.summary',
    summary: 'Count what is queued, by state, age, destination, reason and sender.',
    method: 'GET',
    path: '/queue/summary',
    input: object({
      ...filterInput,
      fresh: optional(
        Type.Boolean({
          description: 'As it is now: by default it may be some seconds old, or minutes of a long queue.',
        }),
      ),
    }),
    output: summary,
    access: { who: 'host' },
    kind: 'read',
    run: async ({ fresh = false, ...words }, { server }) =>
      await server.queue.scans.summary(filterOf(words, server), JSON.stringify(words), fresh),
  }),
  operation({
    name: 'queue.apply',
    summary: 'Do something to all messages that match now: it goes on by itself.',
    method: 'POST',
    path: '/queue/apply',
    input: object({ change: Type.Enum([...changes]), ...filterInput }),
    output: job,
    access: { who: 'host' },
    kind: 'act',
    run: async ({ change, ...words }, { server, principal }) => {
      const { scans, jobs } = server.queue;
      const filter = filterOf(words, server);
      const { messages } = await scans.summary(filter, JSON.stringify(words));
      scans.forget();
      return (
        jobs.start(change, filter, messages, actorOf(principal)) ??
        fail(409, 'too-many-jobs', 'too much is being done to the queue already: wait until some of it has ended')
      );
    },
  }),
  operation({
    name: 'queue.jobs',
    summary: 'List what is being done, and was done, to all messages that matched; the newest first, since the start.',
    method: 'GET',
    path: '/queue/jobs',
    input: object({}),
    output: object({ items: Type.Array(job) }),
    access: { who: 'host' },
    kind: 'read',
    run: async (_input, { server }) => ({ items: server.queue.jobs.list() }),
  }),
  operation({
    name: 'queue.job',
    summary: 'Show how far one of those is.',
    method: 'GET',
    path: '/queue/jobs/{job}',
    input: object(jobName),
    output: job,
    access: { who: 'host' },
    kind: 'read',
    run: async ({ job: name }, { server }) => {
      const found = server.queue.jobs.find(name) ?? failMissing();
      if (found.state !== 'running') server.queue.scans.forget();
      return found;
    },
  }),
  operation({
    name: 'queue.stop',
    summary: 'Stop one of those; what is done stays done.',
    method: 'POST',
    path: '/queue/jobs/{job}/stop',
    input: object(jobName),
    output: job,
    access: { who: 'host' },
    kind: 'act',
    run: async ({ job: name }, { server }) => server.queue.jobs.stop(name) ?? failMissing(),
  }),
  operation({
    name: 'queue.header',
    summary: 'Show the header of a queued message.',
    method: 'GET',
    path: '/queue/{id}/header',
    input: object({ id: Type.String({ pattern: '^\\w{1,100}$' }) }),
    output: object({
      text: anyText('As it is in the message.', 65_536),
      isCut: Type.Boolean({ description: 'There is more.' }),
    }),
    access: { who: 'host' },
    kind: 'read',
    run: async ({ id }, { server }) => (await server.queue.header(id)) ?? failMissing(),
  }),
  operation({
    name: 'queue.list',
    summary: 'List what is queued; with a filter, a page may be short and still have a next one.',
    method: 'GET',
    path: '/queue',
    input: object({
      ...pageInput,
      ...filterInput,
      maxRecipients: optional(
        Type.Integer({ description: 'Of each message, those that match first.', minimum: 1, maximum: 1000 }),
      ),
    }),
    output: page(info),
    access: { who: 'host' },
    kind: 'read',
    run: async ({ after = '', limit = 100, maxRecipients, ...words }, { server }) => {
      if (maxRecipients !== undefined || Object.keys(words).length > 0) {
        const filter = filterOf(words, server);
        const { messages, next } = await server.queue.scans.list(filter, after, limit, maxRecipients ?? 100);
        return { items: messages.map(describeScanned), ...(next === undefined ? {} : { next }) };
      }
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
      run: async ({ ids }, { server }) => {
        const changed = await server.control({ command: 'queue-change', change, ids });
        server.queue.scans.forget();
        return { ids: changed };
      },
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
