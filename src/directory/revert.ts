// Undoes a revision by a new one: whole or not at all. What has been changed since by others is not trampled on: where a
// later change stands in the way, nothing is done and the change is named. Passwords never stand in events, so a
// password that was changed stays as it is, and an app password that was removed is gone; both are said.

import type { Change } from './change.ts';
import type { DirectoryView } from './directory-view.ts';
import type { DirectoryEvent } from './events.ts';
import { differencesOf } from './history.ts';
import { DirectoryRefusedError, refuse } from './refusal.ts';
import { type Undo, undoKinds } from './undo.ts';

export interface Obstacle {
  readonly action: string;
  readonly object: string;
  readonly reason: string;
  /** Later changes of the same object, the first few. */
  readonly later: readonly { readonly revision: number; readonly actor: string; readonly time: number }[];
}

export class RevertRefusedError extends DirectoryRefusedError {
  override name = 'DirectoryRefusedRevertError';
  readonly obstacles: readonly Obstacle[];

  constructor(revision: number, obstacles: readonly Obstacle[]) {
    const shown = obstacles.slice(0, 5).map(({ reason, later }) => {
      const changes = later.map((one) => `revision ${one.revision} by ${one.actor}`).join(', ');
      return changes === '' ? reason : `${reason} (${changes})`;
    });
    const rest = obstacles.length > shown.length ? `; and ${obstacles.length - shown.length} more` : '';
    super(`revision ${revision} cannot be undone: ${shown.join('; ')}${rest}`);
    this.obstacles = obstacles;
  }
}

export interface Reverted {
  /** The one that was undone. */
  readonly revision: number;
  /** The one that undid it. */
  readonly made: number;
  /** Events undone. */
  readonly count: number;
  /** What could not come back. */
  readonly notes: readonly string[];
}

/** Larger ones are undone by restoring a backup, or by `apply` of what was dumped before. */
const maxEvents = 200_000;

/** `directory` is one in which several changes are made together. */
export async function revert(directory: DirectoryView, revision: number, change: Change): Promise<Reverted> {
  const events = await eventsOf(directory, revision);
  if (events.length === 0) refuse(`there is no revision ${revision}: see: posthaste history`);
  const notes: string[] = [];
  const obstacles = await findObstacles(directory, events);
  if (obstacles.length === 0) {
    for (const event of events.toReversed()) {
      const obstacle = await refusalOf(directory, event, async (undo) => {
        const note = await undoEvent(directory, event, undo);
        if (note !== undefined) notes.push(note);
      });
      if (obstacle === undefined) continue;
      obstacles.push(obstacle);
      // What follows would fail for want of this one.
      break;
    }
  }
  if (obstacles.length > 0) throw new RevertRefusedError(revision, obstacles);
  if (change.revision === 0)
    refuse(`revision ${revision} leaves nothing to undo: ${notes.join('; ') || 'it is undone'}`);
  await change.event('revision.revert', String(revision), null, { revision });
  return { revision, made: change.revision, count: events.length, notes };
}

async function eventsOf(directory: DirectoryView, revision: number): Promise<DirectoryEvent[]> {
  const events: DirectoryEvent[] = [];
  for (;;) {
    const page = await directory.events({ revision, after: events.at(-1)?.id ?? 0, limit: 1000 });
    events.push(...page);
    if (events.length > maxEvents) refuse(`revision ${revision} has more than ${maxEvents} changes: too many to undo`);
    if (page.length === 0) return events;
  }
}

function undoOf({ action }: DirectoryEvent): Undo | undefined {
  const [kind = ''] = action.split('.');
  if (kind === 'revision') return undefined;
  return undoKinds[kind] ?? refuse(`nothing here knows how to undo ${action}`);
}

/** Compares what each object is now with what the revision made of it. */
async function findObstacles(directory: DirectoryView, events: readonly DirectoryEvent[]): Promise<Obstacle[]> {
  const seen = new Set<string>();
  const obstacles: Obstacle[] = [];
  for (const event of events.toReversed()) {
    const obstacle = await refusalOf(directory, event, async (undo) => {
      const key = `${event.action.split('.')[0]} ${event.object} ${undo.part?.(event) ?? ''}`;
      // Of several changes of one object the last is what is left of them.
      if (seen.has(key)) return;
      seen.add(key);
      await refuseChanged(directory, event, undo);
    });
    if (obstacle !== undefined) obstacles.push(obstacle);
  }
  return obstacles;
}

async function refusalOf(
  directory: DirectoryView,
  event: DirectoryEvent,
  work: (undo: Undo) => Promise<void>,
): Promise<Obstacle | undefined> {
  const undo = undoOf(event);
  if (undo === undefined) return undefined;
  try {
    await work(undo);
    return undefined;
  } catch (error) {
    if (!(error instanceof DirectoryRefusedError)) throw error;
    const { action, object } = event;
    return { action, object, reason: error.message, later: await laterChanges(directory, event) };
  }
}

async function refuseChanged(directory: DirectoryView, event: DirectoryEvent, undo: Undo): Promise<void> {
  const { object, before, after } = event;
  const current = await undo.current(directory, event);
  if (after === null) {
    if (current !== undefined) refuse(`${object} is there again`);
    return;
  }
  if (current === undefined) refuse(`${object} is no longer there`);
  const now = current as Record<string, unknown>;
  for (const { field, after: value } of differencesOf(before, after)) {
    // A password leaves no trace to be compared with.
    if (field === 'password' || derived.has(field)) continue;
    if (JSON.stringify(now[field]) !== JSON.stringify(value)) refuse(`${field} of ${object} changed since`);
  }
}

async function undoEvent(directory: DirectoryView, event: DirectoryEvent, undo: Undo): Promise<string | undefined> {
  const { before, after } = event;
  const current = await undo.current(directory, event);
  // It may have come, or gone, with what was brought back or taken away before it.
  if (after === null) return current === undefined ? await undo.bringBack(directory, event) : undefined;
  if (current === undefined) return undefined;
  if (before === null) {
    await undo.takeAway(directory, event);
    return undefined;
  }
  const fields = differencesOf(before, after).filter(({ field }) => !derived.has(field));
  return await undo.setBack(directory, event, fields);
}

/** Not what was set, but what follows from it or only describes it. */
const derived = new Set([
  'created',
  'members',
  'becameAdministrator',
  'passwordChanged',
  'sender',
  'messages',
  'firstSeen',
  'lastSeen',
]);

async function laterChanges(directory: DirectoryView, event: DirectoryEvent): Promise<Obstacle['later']> {
  const later = await directory.events({ object: event.object, after: event.id, limit: 200 });
  const found = new Map<number, Obstacle['later'][number]>();
  for (const { revision, actor, time } of later) {
    if (revision !== event.revision) found.set(revision, { revision, actor, time });
  }
  return [...found.values()].slice(0, 5);
}
