// Whose an address was before its mailbox got another: mail that was taken for the old one and waits in the queue is its
// owner's still. Asked only where nobody has the address by now. Found by the events of renaming.

import type { SqliteConnection, Statement } from '../database/sqlite.ts';
import { fold } from './mail-address.ts';

/** The address as it was shown, which is how it mostly stands in the queue too, and in small letters. */
const renamedSql = `
  SELECT json_extract(before, '$.id') FROM event WHERE object IN (?, ?) AND action = 'mailbox.rename'
  ORDER BY id DESC LIMIT 1`;

export class FormerAddresses {
  readonly #ask: <T>(read: () => T) => T;
  readonly #renamed: Statement;

  constructor(connection: SqliteConnection, ask: <T>(read: () => T) => T) {
    this.#ask = ask;
    this.#renamed = connection.prepare(renamedSql).pluck();
  }

  /** The id of the mailbox that last gave this address up. */
  mailboxOf(address: string): number | undefined {
    return this.#ask(() => this.#renamed.get(address, fold(address)) as number | undefined);
  }
}
