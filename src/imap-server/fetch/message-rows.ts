// The store's rows of some messages of a folder, a page at a time: by one range read where the uids lie close together,
// one by one where they do not.

import type { Mailstore, MessageRow } from '../../mailstore/types.ts';

/** The store's largest answer. */
export const pageMessages = 500;

export class MessageRows {
  readonly #store: Mailstore;
  readonly #folder: number;
  #rows = new Map<number, MessageRow>();

  constructor(store: Mailstore, folder: number) {
    this.#store = store;
    this.#folder = folder;
  }

  /** Reads the rows of `uids` (ascending, at most a page) and forgets those before. */
  load(uids: readonly number[]): void {
    this.#rows = new Map();
    const first = uids[0];
    const last = uids.at(-1);
    if (first === undefined || last === undefined) return;
    if (last - first < uids.length * 2) this.#loadRange(first, last);
    else this.#loadEach(uids);
  }

  get(uid: number): MessageRow | undefined {
    return this.#rows.get(uid);
  }

  #loadRange(first: number, last: number): void {
    let after = first - 1;
    while (after < last) {
      const rows = this.#store.messages(this.#folder, after, pageMessages);
      for (const row of rows) if (row.uid <= last) this.#rows.set(row.uid, row);
      after = rows.at(-1)?.uid ?? last;
    }
  }

  #loadEach(uids: readonly number[]): void {
    for (const uid of uids) {
      const row = this.#store.message(this.#folder, uid);
      if (row !== undefined) this.#rows.set(uid, row);
    }
  }
}
