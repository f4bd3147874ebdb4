// Who changed what, when: one row for every change, in the transaction of the change. `before` and `after` are the
// object as JSON, null where there was or is none. Password hashes never stand in an event.

import type { Kysely, Selectable } from 'kysely';
import type { DirectorySchema, EventTable } from './schema.ts';

export interface DirectoryEvent {
  readonly id: number;
  readonly time: number;
  readonly actor: string;
  /** As `mailbox.add`, `domain.remove`. */
  readonly action: string;
  /** The name or address that changed. */
  readonly object: string;
  readonly before: unknown;
  readonly after: unknown;
  /** The id of the first event of its transaction: what was changed at once. */
  readonly revision: number;
}

export interface EventQuery {
  readonly object?: string;
  /** Those of one transaction. */
  readonly revision?: number;
  /** Only events with a larger id. */
  readonly after?: number;
  readonly limit?: number;
}

export async function listEvents(db: Kysely<DirectorySchema>, query: EventQuery): Promise<DirectoryEvent[]> {
  let select = db
    .selectFrom('event')
    .selectAll()
    .where('id', '>', query.after ?? 0);
  if (query.object !== undefined) select = select.where('object', '=', query.object);
  if (query.revision !== undefined) select = select.where('revision', '=', query.revision);
  const rows = await select
    .orderBy('id')
    .limit(Math.min(query.limit ?? 100, 1001))
    .execute();
  return rows.map(fromRow);
}

/** Of one transaction. */
export async function countEvents(db: Kysely<DirectorySchema>, revision: number): Promise<number> {
  const select = db.selectFrom('event').where('revision', '=', revision);
  return (await select.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()).count;
}

export function fromRow(row: Selectable<EventTable>): DirectoryEvent {
  return { ...row, before: fromJson(row.before), after: fromJson(row.after) };
}

function fromJson(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
