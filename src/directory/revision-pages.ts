// A page of what was changed at once, the newest first, for somebody who may see, or wants to see, only some of it. Events are
// looked through a few thousand at a time, so that mail does not wait, and only so many for a page: what is rare in a long
// history is found over several pages, each of which says where it has got to.

import { setImmediate } from 'node:timers/promises';
import type { DirectoryDatabase } from './database.ts';
import { type DirectoryEvent, fromRow } from './events.ts';
import { describeChange, type Revision } from './history.ts';

/** What is looked at of every event; its objects are read only where it is shown. */
export type EventHead = Pick<DirectoryEvent, 'id' | 'revision' | 'time' | 'actor' | 'action' | 'object'>;

export interface RevisionQuery {
  /** Only older revisions than this. */
  readonly before?: number | undefined;
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** The names of an object as events have them: looked up, not looked through. */
  readonly objects?: readonly string[] | undefined;
  /** What is looked for: one event of a revision is enough. */
  readonly matches: (event: EventHead) => boolean;
  /** What is shown of it. */
  readonly show: (event: DirectoryEvent) => DirectoryEvent | undefined;
  readonly limit: number;
  /** Shown of each revision. */
  readonly maxChanges: number;
}

export interface RevisionPage {
  readonly revisions: readonly Revision[];
  /** Older revisions than this one have not been looked at; absent: there are none. */
  readonly next?: number;
}

const windowLength = 2000;
const maxLooked = 60_000;
/** Of a revision so many events are counted. */
const maxEvents = 20_000;

export async function pageOfRevisions(db: DirectoryDatabase, query: RevisionQuery): Promise<RevisionPage> {
  const { matches, limit, since = 0, until = Number.POSITIVE_INFINITY } = query;
  const found = new Set<number>();
  let before = query.before ?? Number.MAX_SAFE_INTEGER;
  let isMore = true;
  for (let looked = 0; looked < maxLooked && found.size < limit && isMore; looked += windowLength) {
    const heads = await readHeads(db, before, query.objects);
    isMore = heads.length === windowLength;
    for (const head of heads) {
      if (head.time < since) {
        isMore = false;
        break;
      }
      // A page ends where a revision ends: what begins below `before` is on the next one.
      if (found.size === limit && !found.has(head.revision)) {
        isMore = true;
        break;
      }
      before = head.id;
      if (head.time <= until && head.revision < (query.before ?? head.revision + 1) && matches(head)) {
        found.add(head.revision);
      }
    }
    // A large one need not be looked through when it is found already.
    const last = heads.at(-1);
    if (last !== undefined && found.has(last.revision) && before === last.id) before = last.revision;
    await setImmediate();
  }
  const revisions: Revision[] = [];
  for (const revision of found) {
    const read = await readShown(db, revision, query);
    if (read !== undefined) revisions.push(read);
  }
  if (!isMore) return { revisions };
  const last = [...found].at(-1);
  // The events of a revision lie together: what remains of the last one says nothing new.
  return { revisions, next: found.size === limit && last !== undefined ? last : before };
}

async function readHeads(
  db: DirectoryDatabase,
  before: number,
  objects: readonly string[] | undefined,
): Promise<EventHead[]> {
  let select = db.selectFrom('event').select(['id', 'revision', 'time', 'actor', 'action', 'object']);
  select = select.where('id', '<', before);
  if (objects !== undefined) select = select.where('object', 'in', objects);
  return await select.orderBy('id', 'desc').limit(windowLength).execute();
}

/** Undefined where there is nothing of it to be shown. */
export async function readShown(
  db: DirectoryDatabase,
  revision: number,
  { show, maxChanges }: Pick<RevisionQuery, 'show' | 'maxChanges'>,
): Promise<Revision | undefined> {
  const shown: DirectoryEvent[] = [];
  let count = 0;
  let after = 0;
  for (let looked = 0; looked < maxEvents; looked += windowLength) {
    const own = db.selectFrom('event').where('revision', '=', revision).where('id', '>', after);
    const rows = await own.selectAll().orderBy('id').limit(windowLength).execute();
    for (const row of rows) {
      after = row.id;
      const event = show(fromRow(row));
      if (event === undefined) continue;
      count++;
      if (shown.length < maxChanges) shown.push(event);
    }
    if (rows.length < windowLength) break;
    await setImmediate();
  }
  const [first] = shown;
  if (first === undefined) return undefined;
  return { revision, time: first.time, actor: first.actor, changes: shown.map(describeChange), count };
}
