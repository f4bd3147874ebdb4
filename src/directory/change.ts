// How every change of the directory is made: alone, in one transaction, with its events. The lookups given to the
// work see the change before it is committed, so that what it would do to mail can be checked first.

import { setImmediate } from 'node:timers/promises';
import type { ExtensionRules } from '../address/extension.ts';
import { keepQuery } from '../database/kept-query.ts';
import type { Clock } from '../lib/clock.ts';
import type { DirectoryDatabase, DirectoryFiles } from './database.ts';
import { GroupCommit, withSavepoint } from './group-commit.ts';
import { insertRows } from './insert-rows.ts';
import { DirectoryLookups } from './lookups.ts';
import { refuse } from './refusal.ts';
import type { DirectorySnapshot } from './brief-snapshot.ts';

const insertEvent = keepQuery(
  (
    db: DirectoryDatabase,
    time: number,
    actor: string,
    action: string,
    object: string,
    before: string | null,
    after: string | null,
    revision: number,
  ) => db.insertInto('event').values({ time, actor, action, object, before, after, revision }).returning('id'),
);

const beginRevision = keepQuery((db: DirectoryDatabase, id: number) =>
  db.updateTable('event').set({ revision: id }).where('id', '=', id),
);

/** Some ten milliseconds of work. */
const eventsWithoutPause = 50;

export class Change {
  readonly db: DirectoryDatabase;
  readonly lookups: DirectoryLookups;
  readonly now: number;
  readonly #actor: string;
  /** The id of the first event: all of one transaction are one revision. */
  #revision = 0;
  #events = 0;

  constructor(db: DirectoryDatabase, lookups: DirectoryLookups, now: number, actor: string) {
    this.db = db;
    this.lookups = lookups;
    this.now = now;
    this.#actor = actor;
  }

  /** What all of the transaction's events share; 0 while there is none. */
  get revision(): number {
    return this.#revision;
  }

  async event(action: string, object: string, before: object | null, after: object | null): Promise<void> {
    const [revision, texts] = [this.#revision, [toJson(before), toJson(after)] as const];
    const rows = await insertEvent(this.db, this.now, this.#actor, action, object, ...texts, revision);
    // SQLite answers at once, so that a domain that goes with all its mailboxes would hold up everything else in this process.
    if (++this.#events % eventsWithoutPause === 0) await setImmediate();
    if (revision !== 0) return;
    this.#revision = rows[0]?.id ?? 0;
    await beginRevision(this.db, this.#revision);
  }

  /** As `event` for each, in few statements. */
  async events(events: readonly NewEvent[]): Promise<void> {
    const [first, ...rest] = events;
    if (first === undefined) return;
    await this.event(first.action, first.object, first.before, first.after);
    const { now: time, actor, revision } = { now: this.now, actor: this.#actor, revision: this.#revision };
    for (let start = 0; start < rest.length; start += eventsPerStatement) {
      const rows = rest.slice(start, start + eventsPerStatement).map(({ action, object, before, after }) => {
        return { time, actor, action, object, before: toJson(before), after: toJson(after), revision };
      });
      await insertRows(this.db, 'event', rows);
    }
  }
}

export interface NewEvent {
  readonly action: string;
  readonly object: string;
  readonly before: object | null;
  readonly after: object | null;
}

const eventsPerStatement = 500;

function toJson(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** Makes changes for one actor: each in a transaction of its own, or all in one that is open already. */
export class Changes {
  readonly #shared: SharedChanges | undefined;
  readonly #actor: string;
  readonly #joined: Change | undefined;

  constructor(shared: SharedChanges | undefined, actor: string, joined?: Change) {
    this.#shared = shared;
    this.#actor = actor;
    this.#joined = joined;
  }

  async make<T>(work: (change: Change) => Promise<T>): Promise<T> {
    const joined = this.#joined;
    if (joined !== undefined) return await withSavepoint(joined.db, 'part_of_whole', async () => await work(joined));
    if (this.#shared === undefined) refuse('the directory is open for reading only');
    const { commits, lookups, clock } = this.#shared;
    return await commits.run(async (db) => await work(new Change(db, lookups, clock.now(), this.#actor)));
  }

  /** As `make`, but nothing stays of it. */
  async tryOut<T>(work: (change: Change) => Promise<T>): Promise<T> {
    if (this.#joined !== undefined) refuse('a trial within a change would see what is not yet there');
    if (this.#shared === undefined) refuse('the directory is open for reading only');
    const { commits, lookups, clock } = this.#shared;
    return await commits.tryOut(async (db) => await work(new Change(db, lookups, clock.now(), this.#actor)));
  }
}

/** What all changes through one opened directory share, whoever makes them. */
export interface SharedChanges {
  readonly commits: GroupCommit;
  /** They see what is not committed yet. */
  readonly lookups: DirectoryLookups;
  readonly clock: Clock;
}

export function shareChanges(
  { writer }: DirectoryFiles,
  clock: Clock,
  rules: ExtensionRules,
  snapshot: DirectorySnapshot,
): SharedChanges | undefined {
  if (writer === undefined) return undefined;
  const commits = new GroupCommit(
    (work) => writer.transact(work),
    clock,
    () => snapshot.close(),
  );
  return { commits, lookups: new DirectoryLookups(writer.connection, rules), clock };
}
