// The `domain` restriction of the tables that ask a server (mysql_table(5), ldap_table(5)): only `user@domain` keys with
// a localpart and a listed domain are looked up; `user`, `domain` and `@domain` are "not found" without a question.
// The list is a match list: names, files, tables.

import { splitList } from '../lib/split-list.ts';
import type { Asker } from './asker.ts';
import { MatchList } from './match-list.ts';
import type { ServerTableContext, TableSettings } from './table-settings.ts';

const plainAsker: Asker = {
  ask: (_stage, table, key) => table.lookup(key),
  isTracing: false,
  note: () => undefined,
};

export class KeyDomains {
  readonly #list: MatchList;

  constructor(list: MatchList) {
    this.#list = list;
  }

  /** Throws TemporaryError where a table in the list cannot say. */
  async accepts(key: string): Promise<boolean> {
    const at = key.lastIndexOf('@');
    return at > 0 && (await this.#list.matches(plainAsker, 'domain', key.slice(at + 1)));
  }
}

/** Undefined where all keys may be asked. Throws TableError. */
export function openKeyDomains(settings: TableSettings, context: ServerTableContext): KeyDomains | undefined {
  const elements = splitList(settings.text('domain'));
  if (elements.length === 0) return undefined;
  const { registry, log } = context;
  const name = `${settings.table}: domain`;
  const warn = (text: string): void => log.warning(`${name}: ${text}`);
  return new KeyDomains(new MatchList({ name, elements, style: 'exact', parentsMatch: false, registry, warn }));
}
