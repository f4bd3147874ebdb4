// What was changed at once, and undoing it. Revisions are numbered through the whole host: only its administrators see them.

import { Type } from 'typebox';
import { namesInEvents } from '../../directory/history.ts';
import { operation } from '../operation.ts';
import { actorOf } from '../principal.ts';
import { fail, failMissing } from '../problem.ts';
import { markOf, readMark } from '../revision-marks.ts';
import { anyText, count, object, optional, page, pageInput, time, toPage, usualPage, words } from '../schemas.ts';

const unknown = (description: string) => Type.Unknown({ description });
const difference = object({
  field: anyText('Its name.'),
  before: optional(unknown('What it was; absent: it was not there.')),
  after: optional(unknown('What it is since; absent: it is not there.')),
});
export const objectChange = object({
  event: count('The number of the event.'),
  action: anyText('As mailbox.add.'),
  object: anyText('The name or address that changed.'),
  before: unknown('What it was; null: nothing.'),
  after: unknown('What it is since; null: nothing.'),
  differences: Type.Array(difference),
});
const revision = object({
  revision: count('Its number.'),
  time: time('When.'),
  actor: anyText('Who.'),
  changes: Type.Array(objectChange),
  count: count('Of all changes; `changes` holds the first.'),
});
export const revisionMark = Type.Union([Type.Integer({ minimum: 1 }), Type.String({ maxLength: 40 })], {
  description: "The revision: its number, or the mark by which a domain's administrator knows it.",
});

/** Shown of one; the events of a larger one are in the history. */
const maxChanges = 1000;

export const revisionOperations = [
  operation({
    name: 'revision.list',
    summary: 'List what was changed at once, the newest first.',
    method: 'GET',
    path: '/revisions',
    input: object({
      ...pageInput,
      object: optional(anyText('Of this name or address only.', 330)),
      actor: optional(anyText('Of this one only.', 330)),
      since: optional(time('Not before.')),
    }),
    output: page(revision),
    access: { who: 'host' },
    kind: 'read',
    run: async ({ after, limit = usualPage, object: name, ...query }, { directory }) => {
      const before = after === undefined ? undefined : Number(after);
      if (before !== undefined && !Number.isSafeInteger(before)) {
        fail(422, 'invalid-field', '"after" is not the end of a page', { field: 'after' });
      }
      const found = await directory.history({
        ...query,
        ...(before === undefined ? {} : { before }),
        ...(name === undefined ? {} : { objects: await namesInEvents(directory, name) }),
        limit: limit + 1,
        maxChanges: 20,
      });
      return toPage(found, limit, (one) => String(one.revision));
    },
  }),
  operation({
    name: 'revision.show',
    summary: `Show what was changed at once: its first ${maxChanges} changes.`,
    method: 'GET',
    path: '/revisions/{revision}',
    input: object({ revision: revisionMark }),
    output: revision,
    access: { who: 'host' },
    kind: 'read',
    run: async ({ revision: mark }, { directory, sight }) => {
      const wanted = readMark(mark, sight, directory.lookups) ?? failMissing();
      return (await directory.history({ revision: wanted, maxChanges }))[0] ?? failMissing();
    },
  }),
  operation({
    name: 'revision.revert',
    summary: 'Undo a revision by a new one, whole or not at all.',
    method: 'POST',
    path: '/revisions/{revision}/revert',
    input: object({ revision: revisionMark }),
    output: object({
      revision: count('The one that was undone.'),
      made: anyText('The one that undid it: it can be undone too.'),
      count: count('Changes that were undone.'),
      notes: words('What could not come back.'),
    }),
    access: { who: 'host' },
    kind: 'act',
    run: async ({ revision: mark }, { directory, principal, sight }) => {
      const wanted = readMark(mark, sight, directory.lookups) ?? failMissing();
      const [found] = await directory.history({ revision: wanted, maxChanges: 1 });
      if (found === undefined) failMissing();
      const { made, ...undone } = await directory.revert(wanted, actorOf(principal));
      return { ...undone, made: markOf(made, sight, directory.lookups) };
    },
  }),
];
