// What was changed at once, and undoing it. Revisions are numbered through the whole host: a domain administrator knows his
// by marks, and sees of each what concerns his domains.

import { Type } from 'typebox';
import type { Directory } from '../../directory/directory.ts';
import { namesInEvents, type Revision } from '../../directory/history.ts';
import type { EventHead } from '../../directory/revision-pages.ts';
import { operation } from '../operation.ts';
import { actorOf, type Sight } from '../principal.ts';
import { fail, failMissing } from '../problem.ts';
import { markOf, readMark } from '../revision-marks.ts';
import { checkMayRevert, eventWithin, mayRevert, revertWithin } from '../revision-sight.ts';
import { anyText, count, object, optional, page, pageInput, time, usualPage, words, yes } from '../schemas.ts';
import { seesEvent, shownActor } from './history.ts';

const unknown = (description: string) => Type.Unknown({ description });
const difference = object({
  field: anyText('Its name.'),
  before: optional(unknown('What it was; absent: it was not there.')),
  after: optional(unknown('What it is since; absent: it is not there.')),
});
export const objectChange = object({
  event: optional(count('The number of the event; shown to administrators of the host.')),
  action: anyText('As mailbox.add.'),
  object: anyText('The name or address that changed.'),
  before: unknown('What it was; null: nothing.'),
  after: unknown('What it is since; null: nothing.'),
  differences: Type.Array(difference),
});
const fields = {
  mark: anyText('What names it to revision.show and revision.revert: to administrators of the host its number.'),
  revision: optional(count('Its number; shown to administrators of the host.')),
  time: time('When.'),
  actor: anyText('Who.'),
  changes: Type.Array(objectChange),
  count: count('Of all changes; `changes` holds the first.'),
};
export const revisionMark = Type.Union([Type.Integer({ minimum: 1 }), Type.String({ maxLength: 40 })], {
  description: "The revision: its number, or the mark by which a domain's administrator knows it.",
});

/** Shown of one; the events of a larger one are in the history. */
const maxChanges = 1000;
const maxInList = 20;

/** With what somebody is told of it. */
function shownRevision({ revision, changes, ...rest }: Revision, sight: Sight, directory: Directory) {
  const mark = markOf(revision, sight, directory.lookups);
  if (sight.seesAll) return { mark, revision, ...rest, changes };
  const withoutNumbers = changes.map((change) => {
    const { event: _, ...told } = change;
    return told;
  });
  return { mark, ...rest, changes: withoutNumbers };
}

interface Wanted {
  readonly domain?: string;
  readonly actor?: string;
  readonly area?: string;
}

/** What a filter names that is not his to see matches nothing. */
function matching({ domain, actor, area }: Wanted, sight: Sight): (event: EventHead) => boolean {
  const at = domain === undefined ? undefined : domain.toLowerCase();
  return (event) => {
    if (area !== undefined && !event.action.startsWith(`${area}.`)) return false;
    if (at !== undefined && event.object.slice(event.object.lastIndexOf('@') + 1).toLowerCase() !== at) return false;
    if (!seesEvent(event, sight)) return false;
    return actor === undefined || isBy(actor, shownActor(event.actor, sight));
  };
}

/** `anna` is whatever anna does: by the page, by one of her tokens, and on the host. */
function isBy(wanted: string, actor: string): boolean {
  return actor === wanted || actor.replace(/^api:/, '').replace(/#\d+$/, '') === wanted;
}

export const revisionOperations = [
  operation({
    name: 'revision.list',
    summary: 'List what was changed at once, the newest first.',
    method: 'GET',
    path: '/revisions',
    input: object({
      ...pageInput,
      object: optional(anyText('Of this name or address only.', 330)),
      domain: optional(anyText('Of this domain and all that stands in it.', 255)),
      actor: optional(anyText('Of this one only, with all tokens: a login.', 330)),
      area: optional(anyText('Of one kind of object only: mailbox, alias …', 40)),
      since: optional(time('Not before.')),
      until: optional(time('Not after.')),
    }),
    output: page(object(fields)),
    access: {
      who: 'domain',
      domains: ({ object: name, domain }) => [
        ...(name === undefined ? [] : [name.slice(name.lastIndexOf('@') + 1)]),
        ...(domain === undefined ? [] : [domain]),
      ],
    },
    kind: 'read',
    run: async ({ after, limit = usualPage, object: name, since, until, ...wanted }, { directory, sight }) => {
      const before = after === undefined ? undefined : readMark(after, sight, directory.lookups);
      if (after !== undefined && before === undefined) {
        fail(422, 'invalid-field', '"after" is not the end of a page', { field: 'after' });
      }
      const { revisions, next } = await directory.revisions({
        before,
        since,
        until,
        objects: name === undefined ? undefined : await namesInEvents(directory, name),
        matches: matching(wanted, sight),
        show: (event) => eventWithin(event, sight),
        limit,
        maxChanges: maxInList,
      });
      const items = revisions.map((one) => shownRevision(one, sight, directory));
      return { items, ...(next === undefined ? {} : { next: markOf(next, sight, directory.lookups) }) };
    },
  }),
  operation({
    name: 'revision.show',
    summary: `Show what was changed at once: its first ${maxChanges} changes.`,
    method: 'GET',
    path: '/revisions/{revision}',
    input: object({ revision: revisionMark }),
    output: object({ ...fields, mayRevert: yes('Whoever asks may undo it, if nothing stands in the way.') }),
    access: { who: 'domain', domains: () => [] },
    kind: 'read',
    run: async ({ revision: mark }, { directory, sight }) => {
      const wanted = readMark(mark, sight, directory.lookups) ?? failMissing();
      const show = { show: (event: Parameters<typeof eventWithin>[0]) => eventWithin(event, sight), maxChanges };
      const found = (await directory.revisionShown(wanted, show)) ?? failMissing();
      const permission = await mayRevert(directory, wanted, sight);
      return { ...shownRevision(found, sight, directory), mayRevert: permission === 'permitted' };
    },
  }),
  operation({
    name: 'revision.revert',
    summary: 'Undo a revision by a new one, whole or not at all.',
    method: 'POST',
    path: '/revisions/{revision}/revert',
    input: object({ revision: revisionMark }),
    output: object({
      revision: optional(count('The one that was undone; shown to administrators of the host.')),
      made: anyText('The one that undid it: it can be undone too.'),
      count: count('Changes that were undone.'),
      notes: words('What could not come back.'),
    }),
    access: { who: 'domain', domains: () => [] },
    kind: 'act',
    run: async ({ revision: mark }, { directory, principal, sight }) => {
      const wanted = readMark(mark, sight, directory.lookups) ?? failMissing();
      await checkMayRevert(directory, wanted, sight);
      const actor = actorOf(principal);
      const { made, revision, ...undone } = await revertWithin(sight, () => directory.revert(wanted, actor));
      return { ...(sight.seesAll ? { revision } : {}), made: markOf(made, sight, directory.lookups), ...undone };
    },
  }),
];
