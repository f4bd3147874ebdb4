// What operations on the queue take and give.

import { Type } from 'typebox';
import type { QueueFilter, QueueState } from '../mailstore/queue-filter.ts';
import { anyText, count, object, optional, time } from './schemas.ts';
import type { ServerParts } from './server-parts.ts';

const states = ['incoming', 'active', 'deferred', 'hold'] as const;
const age = (description: string) =>
  optional(Type.Integer({ description: `${description} Seconds.`, minimum: 0, maximum: 1_000_000_000 }));

export const filterInput = {
  state: optional(Type.Enum([...states])),
  sender: optional(anyText('A part of the sender; in <> the whole of it.', 330)),
  recipient: optional(anyText('A part of a recipient; in <> the whole of it.', 330)),
  destination: optional(anyText('The domain of a recipient.', 255)),
  reason: optional(anyText('A part of the last reply; * stands for anything.', 330)),
  minAge: age('At least this old.'),
  maxAge: age('Younger than this.'),
};

export interface FilterWords {
  readonly state?: QueueState;
  readonly sender?: string;
  readonly recipient?: string;
  readonly destination?: string;
  readonly reason?: string;
  readonly minAge?: number;
  readonly maxAge?: number;
}

export function filterOf({ minAge, maxAge, ...rest }: FilterWords, { clock }: Pick<ServerParts, 'clock'>): QueueFilter {
  const now = clock.now();
  return {
    ...rest,
    ...(minAge === undefined ? {} : { before: now - minAge * 1000 }),
    ...(maxAge === undefined ? {} : { since: now - maxAge * 1000 }),
  };
}

const ages = Type.Array(Type.Integer(), {
  description: 'Recipients of each age: up to 5 minutes, 1 hour, 6 hours, 1 day, 3 days, older.',
});

export const summary = object({
  time: time('When it was counted.'),
  isComplete: Type.Boolean({ description: 'False: all numbers are "at least".' }),
  messages: count('That match.'),
  recipients: count('Of them.'),
  bytes: count('Of the messages.'),
  states: object({
    incoming: count('Messages.'),
    active: count('Messages.'),
    deferred: count('Messages.'),
    hold: count('Messages.'),
  }),
  ages,
  destinations: Type.Array(object({ name: anyText('The domain.'), recipients: count('That wait.'), ages }), {
    description: 'The fullest.',
  }),
  destinationCount: count('All of them; names beyond 20,000 are counted as one.'),
  reasons: Type.Array(
    object({ name: anyText('The reply, * for what differs: a filter.'), recipients: count('That wait for it.') }),
  ),
  senders: Type.Array(object({ name: anyText('The address; <> is the null sender.'), messages: count('Of it.') })),
});

export const job = object({
  job: anyText('Its name.'),
  change: Type.Enum(['remove', 'hold', 'release', 'requeue', 'expire', 'flush']),
  actor: anyText('Who has begun it.'),
  started: time('When it began.'),
  expected: count('Messages that matched then.'),
  seen: count('Messages that it has come to.'),
  changed: count('Messages that it has changed.'),
  state: Type.Enum(['running', 'done', 'stopped', 'failed']),
  problem: optional(anyText('Why it failed.')),
});
