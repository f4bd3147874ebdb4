// Who changed what, when: the events of each transaction together, as one revision, the newest first. Pure results for the
// command line and the API.

import type { DirectoryDatabase } from './database.ts';
import type { DirectoryView } from './directory-view.ts';
import { countEvents, type DirectoryEvent, fromRow } from './events.ts';

export interface HistoryQuery {
  /** The names of an object as events have them: an address as it was given, a domain. */
  readonly objects?: readonly string[];
  readonly actor?: string;
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly revision?: number;
  /** Only older revisions than this: the last one of the page before. */
  readonly before?: number;
  readonly limit?: number;
  /** Shown of each revision; without, so many as are usual. */
  readonly maxChanges?: number;
}

export interface FieldDifference {
  readonly field: string;
  /** Absent where the field was not there. */
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface ObjectChange {
  readonly event: number;
  readonly action: string;
  readonly object: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly differences: readonly FieldDifference[];
}

export interface Revision {
  readonly revision: number;
  readonly time: number;
  readonly actor: string;
  readonly changes: readonly ObjectChange[];
  /** All of them; `changes` holds the first. */
  readonly count: number;
}

const maxLimit = 1001;
/** Shown of a revision in a list; alone, it shows all that fit into memory. */
const maxChangesInList = 50;
const maxChangesAlone = 100_000;
const pageLength = 500;

/** Events name an object as it was given: with the capitals of whoever made it. */
export async function namesInEvents(
  { mailboxes, aliases, lists }: Pick<DirectoryView, 'mailboxes' | 'aliases' | 'lists'>,
  text: string,
): Promise<string[]> {
  const names = new Set([text, text.toLowerCase()]);
  if (text.indexOf('@') > 0) {
    names.add((await mailboxes.show(text))?.address ?? text);
    names.add((await aliases.show(text))?.address ?? text);
    names.add((await lists.show(text))?.address ?? text);
  }
  return [...names];
}

export async function listRevisions(db: DirectoryDatabase, query: HistoryQuery): Promise<Revision[]> {
  const limit = Math.min(query.limit ?? 20, maxLimit);
  const wanted = query.revision === undefined ? await findRevisions(db, query, limit) : [query.revision];
  const most = query.maxChanges ?? (wanted.length === 1 ? maxChangesAlone : maxChangesInList);
  const revisions: Revision[] = [];
  for (const revision of wanted) {
    const found = await readRevision(db, revision, most);
    if (found) revisions.push(found);
  }
  return revisions;
}

/** The newest first. Time goes with the ids but for a clock that was set back, so the search ends at the first older one. */
async function findRevisions(db: DirectoryDatabase, query: HistoryQuery, limit: number): Promise<number[]> {
  const found = new Set<number>();
  let before = query.before ?? Number.MAX_SAFE_INTEGER;
  for (;;) {
    let select = db.selectFrom('event').select(['id', 'revision', 'time']).where('id', '<', before);
    if (query.objects !== undefined) select = select.where('object', 'in', query.objects);
    if (query.actor !== undefined) select = select.where('actor', '=', query.actor);
    const page = await select.orderBy('id', 'desc').limit(pageLength).execute();
    for (const { revision, time } of page) {
      if (time < (query.since ?? 0)) return [...found];
      if (query.before === undefined || revision < query.before) found.add(revision);
      if (found.size === limit) return [...found];
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageLength) return [...found];
    // The rest of this revision's events says nothing new.
    before = Math.min(last.id, query.objects === undefined && query.actor === undefined ? last.revision : last.id);
  }
}

async function readRevision(db: DirectoryDatabase, revision: number, most: number): Promise<Revision | undefined> {
  const own = db.selectFrom('event').where('revision', '=', revision);
  const rows = await own.selectAll().orderBy('id').limit(most).execute();
  const [first] = rows;
  if (first === undefined) return undefined;
  const count = await countEvents(db, revision);
  const changes = rows.map((row) => describeChange(fromRow(row)));
  return { revision, time: first.time, actor: first.actor, changes, count };
}

export function describeChange({ id, action, object, before, after }: DirectoryEvent): ObjectChange {
  return { event: id, action, object, before, after, differences: differencesOf(before, after) };
}

/** Field by field; of an object that comes or goes, all of its fields. */
export function differencesOf(before: unknown, after: unknown): FieldDifference[] {
  const [old, next] = [fieldsOf(before), fieldsOf(after)];
  const names = new Set([...Object.keys(old), ...Object.keys(next)]);
  const found: FieldDifference[] = [];
  for (const field of names) {
    if (JSON.stringify(old[field]) === JSON.stringify(next[field])) continue;
    found.push({
      field,
      ...(field in old ? { before: old[field] } : {}),
      ...(field in next ? { after: next[field] } : {}),
    });
  }
  return found;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
