// Keeps the log of changes on the server in bounds: nodes follow within seconds, and one that was away for long copies all.

import { inServerTransaction, type ServerSession } from '../../database/server/server-session.ts';

const keptEntries = 200_000;
const deletedAtOnce = 20_000;

/** Forgets all but the newest entries; those of the oldest revision that is kept stay. */
export async function pruneLog(session: ServerSession, kept = keptEntries): Promise<void> {
  const limit = (count: number): string => `LIMIT ${count}`;
  const oldest = await session.query(
    `SELECT "revision" FROM change_log ORDER BY "seq" DESC ${limit(1)} OFFSET ${kept}`,
  );
  const revision = oldest.rows[0]?.[0];
  if (revision === undefined || revision === null) return;
  // First it is said, then done: whoever stands before it looks for nothing in the log.
  await inServerTransaction(session, 'write', async () => {
    await session.query('UPDATE change_state SET "pruned" = ? WHERE "id" = 1 AND "pruned" < ?', [revision, revision]);
  });
  for (;;) {
    const { affected } = await session.query(
      `DELETE FROM change_log WHERE "seq" IN
         (SELECT "seq" FROM (SELECT "seq" FROM change_log WHERE "revision" < ? ${limit(deletedAtOnce)}) AS old)`,
      [revision],
    );
    if (affected < deletedAtOnce) return;
  }
}
