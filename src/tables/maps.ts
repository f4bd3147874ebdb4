// Several tables in one parameter (`virtual_alias_maps = hash:a, directory:b`): each key is tried in every table,
// in order, before the next, more general key is tried; the first result wins. An error stops the search, and so
// does an empty result: Postfix takes both for "could not find out".

import { TemporaryError } from '../lib/temporary-error.ts';
import type { Asker } from './asker.ts';
import type { Found, Table } from './table.ts';

/** Pattern tables are asked only with the `full` key; with a `partial` one they might match what was not meant. */
export type KeyKind = 'full' | 'partial';

export class Maps {
  /** The parameter. */
  readonly name: string;
  readonly #tables: readonly Table[];
  readonly #fixed: readonly Table[];

  constructor(name: string, tables: readonly Table[]) {
    this.name = name;
    this.#tables = tables;
    this.#fixed = tables.filter((table) => table.kind === 'fixed');
  }

  get isEmpty(): boolean {
    return this.#tables.length === 0;
  }

  /** No table has any row at present. Throws TemporaryError. */
  get isVoid(): boolean {
    return this.#tables.every((table) => table.isVoid?.() === true);
  }

  /** Undefined is "not found"; `onFound` hears which table answered. Throws TemporaryError. */
  async find(
    asker: Asker,
    stage: string,
    key: string,
    kind: KeyKind,
    onFound?: (table: Table) => void,
  ): Promise<Found | undefined> {
    const tables = kind === 'full' ? this.#tables : this.#fixed;
    for (const table of tables) {
      const result = await asker.ask(stage, table, key);
      if (result.kind === 'not-found') continue;
      if (result.value !== '') {
        onFound?.(table);
        return result;
      }
      throw new TemporaryError(`table ${table.name}: lookup of ${key} returns an empty string result`);
    }
    return undefined;
  }
}
