// The books of the queue: how many recipients have come in since the store was made, and how each has left. They stand in
// the store's own `meta` table and change in the transaction that changes the rows, so that they are exact whatever ends
// the process: entered = all ways out + rows in queue_recipient, after every commit.
//
// What is counted is a final recipient: what is left of the envelope when virtual aliases are expanded, blind copies added
// and duplicates removed. It enters with the transaction that accepts its message (a notice and mail that an alias sends on
// are messages of their own) and leaves once. The sums of a group are added up in memory and written once a commit.

import type { SqliteConnection } from '../../database/sqlite.ts';
import type { BookAccount, RecipientState } from '../types.ts';
import type { Group } from './group.ts';

const prefix = 'recipients.';

const accounts: readonly BookAccount[] = [
  'entered',
  'delivered',
  'forwarded',
  'relayed',
  'bounced',
  'discarded',
  'deleted',
  'unexplained',
];

/** States in which a recipient needs nothing more, and the account it leaves by. */
export const accountOfState: { readonly [state in RecipientState]?: BookAccount } = {
  delivered: 'delivered',
  forwarded: 'forwarded',
  relayed: 'relayed',
  bounced: 'bounced',
  discarded: 'discarded',
};

/** What one group adds. */
export class BookSums {
  readonly #sums = new Map<BookAccount, number>();

  add(account: BookAccount, recipients: number): void {
    if (recipients !== 0) this.#sums.set(account, (this.#sums.get(account) ?? 0) + recipients);
  }

  clear(): void {
    this.#sums.clear();
  }

  /** To be called within the transaction. */
  write(group: Pick<Group, 'sql'>): void {
    for (const [account, recipients] of this.#sums) {
      group.sql('UPDATE meta SET value = value + ? WHERE key = ?').run(recipients, prefix + account);
    }
  }
}

/** Begins the books where the store has none: what is queued then is what has come in. */
export function openBooks(database: SqliteConnection): void {
  if (database.prepare('SELECT 1 FROM meta WHERE key = ?').get(`${prefix}entered`) !== undefined) return;
  const begin = database.prepare('INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)');
  database.transaction(() => {
    const { queued } = database.prepare('SELECT count(*) AS queued FROM queue_recipient').get() as { queued: number };
    for (const account of accounts) begin.run(prefix + account, account === 'entered' ? queued : 0);
  })();
}

/** A mismatch that somebody has looked into: from here on the books agree again, and show how many it was. */
export function acknowledgeMismatch(group: Group): number {
  const rows = group
    .sql('SELECT key, value FROM meta WHERE key >= ? AND key < ?')
    .all(prefix, `${prefix}~`) as AccountRow[];
  const { queued } = group.sql('SELECT count(*) AS queued FROM queue_recipient').get() as { queued: number };
  const difference = mismatch(readAccounts(rows), queued);
  group.books.add('unexplained', difference);
  return difference;
}

export interface AccountRow {
  readonly key: string;
  readonly value: number;
}

/** The range of keys that accounts have. */
export const accountKeys = { from: prefix, to: `${prefix}~` };

export function readAccounts(rows: readonly AccountRow[]): Record<BookAccount, number> {
  const values = new Map(rows.map(({ key, value }) => [key.slice(prefix.length), value]));
  return Object.fromEntries(accounts.map((account) => [account, values.get(account) ?? 0])) as Record<
    BookAccount,
    number
  >;
}

/** Recipients that have come in and are nowhere (above 0), or that are somewhere and never came in (below 0). */
export function mismatch(books: Readonly<Record<BookAccount, number>>, queued: number): number {
  const { entered, ...left } = books;
  return entered - Object.values(left).reduce((sum, count) => sum + count, 0) - queued;
}
