// One read transaction for all lookups of one turn of the event loop: a decision asks a dozen keys, and to begin
// and end a transaction costs as much as to read. The snapshot ends with the turn, so it is never older than that
// and never held while somebody waits for something; it also ends with every change made through this process, so
// that one reads what one has written.

import type { SqliteConnection, Statement } from '../database/sqlite.ts';

export class TurnSnapshot {
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
    setImmediate(() => this.close());
    return this.#current;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#connection.open && this.#connection.inTransaction) this.#commit.run();
  }
}
