// The old system's Postfix tables, for the proof: its published queries over the account that the import reads with.
// The settings stand in main.cf's older form (`NAME_hosts`, `NAME_query`, mysql_table(5)), so that no password is
// written anywhere.

import type { SourceDatabase } from './source-database.ts';

export class OldTables {
  readonly #database: SourceDatabase;
  readonly #settings: Record<string, string> = {};

  constructor(database: SourceDatabase) {
    this.#database = database;
  }

  /** Tables for a parameter, in this order; each is the name that Postfix's documents give it, and its query. */
  set(parameter: string, tables: Readonly<Record<string, string>>): void {
    const { dialect, account } = this.#database;
    for (const [name, query] of Object.entries(tables)) {
      for (const [key, value] of account) {
        if (/query|table$|_field$|conditions$|format$|limit$|^domain$/.test(key)) continue;
        this.#settings[`${name}_${key}`] = plain(value);
      }
      this.#settings[`${name}_query`] = plain(query);
    }
    const own = Object.keys(tables).map((name) => `${dialect}:${name}`);
    this.#settings[parameter] = [this.#settings[parameter] ?? '', ...own].filter((one) => one !== '').join(', ');
  }

  get settings(): Readonly<Record<string, string>> {
    return this.#settings;
  }
}

/** In main.cf a `$` begins a parameter's name (postconf(5)). */
function plain(text: string): string {
  return text.replaceAll('$', '$$$$');
}
