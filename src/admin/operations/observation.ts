// How the server does: whether all is well, and how much mail there was over time.

import { Type } from 'typebox';
import { ranges } from '../../metrics/mail-series.ts';
import { checkNames } from '../health-report.ts';
import { operation } from '../operation.ts';
import { anyText, count, object, optional, time } from '../schemas.ts';

const counts = {
  accepted: count('Messages.'),
  delivered: count('Recipients.'),
  deferred: count('Recipients, at each attempt.'),
  bounced: count('Recipients.'),
  refused: count('Replies to clients.'),
};

export const observationOperations = [
  operation({
    name: 'health.show',
    summary: 'Say whether all is well.',
    method: 'GET',
    path: '/health',
    input: object({}),
    output: object({
      checks: Type.Array(
        object({
          check: Type.Enum([...checkNames]),
          state: Type.Enum(['good', 'warning', 'bad', 'unknown'], {
            description: 'unknown: it could not be found out.',
          }),
          text: anyText('One line for people.'),
          values: Type.Record(Type.String(), Type.Number(), { description: 'What it was judged by.' }),
        }),
      ),
      faults: Type.Array(
        object({ time: time('When.'), program: anyText('Who has said so.'), text: anyText('What.') }),
        {
          description: 'The last errors of the log, the oldest first.',
        },
      ),
    }),
    access: { who: 'host' },
    kind: 'read',
    run: async (_input, { server }) => await server.control({ command: 'health' }),
  }),
  operation({
    name: 'statistics.show',
    summary: 'Say how much mail there was over time.',
    method: 'GET',
    path: '/statistics',
    input: object({
      range: optional(Type.Enum([...ranges], { description: '24h without.' })),
      zoneMinutes: optional(
        Type.Integer({ description: 'How far your clock is ahead of UTC.', minimum: -1440, maximum: 1440 }),
      ),
    }),
    output: object({
      range: Type.Enum([...ranges]),
      stepMilliseconds: count('The time that a point stands for.'),
      points: Type.Array(object({ time: time('When it begins.'), ...counts })),
      totals: object(counts),
    }),
    access: { who: 'host' },
    kind: 'read',
    run: async ({ range = '24h', zoneMinutes = 0 }, { server }) => await server.statistics(range, zoneMinutes),
  }),
];
