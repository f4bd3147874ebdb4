// How every change of the directory is made: alone, in one transaction, with its events. The lookups given to the
// work see the change before it is committed, so that what it would do to mail can be checked first.

import type { ExtensionRules } from '../address/extension.ts';
import type { Clock } from '../lib/clock.ts';
import { type DirectoryDatabase, type DirectoryFiles, inTransaction } from './database.ts';
import { DirectoryLookups } from './lookups.ts';
import { refuse } from './refusal.ts';
import type { BriefSnapshot } from './brief-snapshot.ts';

export class Change {
  readonly db: DirectoryDatabase;
  readonly lookups: DirectoryLookups;
  readonly now: number;
  readonly #actor: string;
  /** The id of the first event: all of one transaction are one revision. */
  #revision = 0;

  constructor(db: DirectoryDatabase, lookups: DirectoryLookups, now: number, actor: string) {
    this.db = db;
    this.lookups = lookups;
    this.now = now;
    this.#actor = actor;
  }

  async event(action: string, object: string, before: object | null, after: object | null): Promise<void> {
    const values = { time: this.now, actor: this.#actor, action, object, before: toJson(before), after: toJson(after) };
    const { id } = await this.db
      .insertInto('event')
      .values({ ...values, revision: this.#revision })
      .returning('id')
      .executeTakeFirstOrThrow();
    if (this.#revision !== 0) return;
    this.#revision = id;
    await this.db.updateTable('event').set({ revision: id }).where('id', '=', id).execute();
  }
}

function toJson(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** Makes changes for one actor. */
export class Changes {
  readonly #writer: DirectoryFiles['writer'];
  readonly #lookups: DirectoryLookups | undefined;
  readonly #clock: Clock;
  readonly #actor: string;
  readonly #snapshot: BriefSnapshot;

  constructor(files: DirectoryFiles, clock: Clock, actor: string, rules: ExtensionRules, snapshot: BriefSnapshot) {
    this.#writer = files.writer;
    this.#lookups = files.writer && new DirectoryLookups(files.writer.connection, rules);
    this.#clock = clock;
    this.#actor = actor;
    this.#snapshot = snapshot;
  }

  async make<T>(work: (change: Change) => Promise<T>): Promise<T> {
    const lookups = this.#lookups;
    if (!this.#writer || !lookups) refuse('the directory is open for reading only');
    const result = await inTransaction(
      this.#writer.db,
      async (db) => await work(new Change(db, lookups, this.#clock.now(), this.#actor)),
    );
    this.#snapshot.close();
    return result;
  }
}
