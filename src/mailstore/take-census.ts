// Books and queue of one moment: read in one transaction, so that both sides are of the same commit.

import type { SqliteConnection } from '../database/sqlite.ts';
import { accountKeys, type AccountRow, mismatch, readAccounts } from './operations/books.ts';
import type { QueueCensus } from './types.ts';

/** Undefined where more than `limit` recipients are queued: counting them takes long. `now`: milliseconds since 1970. */
export function takeCensus(database: SqliteConnection, now: number, limit: number): QueueCensus | undefined {
  return database.transaction(() => {
    const count = (sql: string, ...values: unknown[]) =>
      (database.prepare(`SELECT count(*) AS count FROM ${sql}`).get(...values) as { count: number }).count;
    const recipients = count('(SELECT 1 FROM queue_recipient LIMIT ?)', limit + 1);
    if (recipients > limit) return undefined;
    const heldRecipients = count(
      'queue_recipient WHERE message IN (SELECT id FROM queue_message INDEXED BY queue_due WHERE hold = 1)',
    );
    const books = readAccounts(
      database
        .prepare('SELECT key, value FROM meta WHERE key >= ? AND key < ?')
        .all(accountKeys.from, accountKeys.to) as AccountRow[],
    );
    const messages = {
      due: count('queue_message WHERE hold = 0 AND next_attempt <= ?', now),
      deferred: count('queue_message WHERE hold = 0 AND next_attempt > ?', now),
      hold: count('queue_message WHERE hold = 1'),
    };
    return { books, recipients, heldRecipients, messages, mismatch: mismatch(books, recipients) };
  })();
}
