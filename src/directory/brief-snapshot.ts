// One read transaction for all lookups of a millisecond: a decision asks a dozen keys, and to begin and end a
// transaction costs as much as to read. A timer ends it, so never within a turn of the event loop: a decision made
// without waiting sees one state. It is held for a millisecond, or the one turn that lasts longer, never while somebody
// waits for something; it also ends with every change made through this process, so that one reads what one has written.

import type { SqliteConnection, Statement } from '../database/sqlite.ts';

/** What lookups see: `open` before each read says which state it is. */
export interface DirectorySnapshot {
  open(): number;
  close(): void;
}

/** Somebody else holds one state: until the connection closes, or as long as a transaction goes on. */
export const heldSnapshot: DirectorySnapshot = { open: () => 1, close: () => undefined };

export class BriefSnapshot implements DirectorySnapshot {
  readonly #connection: SqliteConnection;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #version: Statement;
  #isOpen = false;
  #current = 0;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#begin = connection.prepare('BEGIN');
    this.#commit = connection.prepare('COMMIT');
    this.#version = connection.prepare('PRAGMA data_version').pluck();
  }

  /** To be called before each read. Returns the number of the state that is seen. */
  open(): number {
    if (this.#isOpen) return this.#current;
    // Still inside where reading the number failed the last time.
    if (!this.#connection.inTransaction) this.#begin.run();
    // Reading the number is also what takes the snapshot: BEGIN alone takes nothing.
    this.#current = this.#version.get() as number;
    this.#isOpen = true;
    setTimeout(() => this.close(), 1);
    return this.#current;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#connection.open && this.#connection.inTransaction) this.#commit.run();
  }
}
