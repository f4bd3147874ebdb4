// What was answered to requests that carry an Idempotency-Key, written in the transaction of the change itself: a client
// that does not know whether its request arrived asks again, and gets the first answer without a second change.

import type { Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';

export interface KeptAnswer {
  /** SHA-256 of the request that was answered. */
  readonly request: string;
  readonly status: number;
  readonly answer: string;
}

const keptMilliseconds = 24 * 3_600_000;
/** Old ones deleted with each new one. */
const deletedEach = 5;

export class KeptAnswers {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  async find(asker: string, digest: string): Promise<KeptAnswer | undefined> {
    return await this.#db
      .selectFrom('kept_answer')
      .select(['request', 'status', 'answer'])
      .where('asker', '=', asker)
      .where('digest', '=', digest)
      .executeTakeFirst();
  }

  async keep(asker: string, digest: string, kept: KeptAnswer): Promise<void> {
    await this.#changes.make(async ({ db, now }) => {
      const old = await db
        .selectFrom('kept_answer')
        .select(['asker', 'digest'])
        .where('created', '<', now - keptMilliseconds)
        .orderBy('created')
        .limit(deletedEach)
        .execute();
      for (const one of old) {
        await db.deleteFrom('kept_answer').where('asker', '=', one.asker).where('digest', '=', one.digest).execute();
      }
      await db
        .insertInto('kept_answer')
        .values({ asker, digest, ...kept, created: now })
        .execute();
    });
  }
}
