// What a query asks about, taken from the key once: a database works hard enough at one long query.

import type { ExtensionRules } from '../../address/extension.ts';
import { type Dialect, extensionSql, keyLocalpart } from './dialect.ts';
import { listName } from './views.ts';

/**
 * As `k`: `lp` the key's localpart, `bare` that without its extension (NULL where it has none), `named` the one or the other,
 * and the lists that `lp` and `named` would be the owners of.
 */
export function keyNames(dialect: Dialect, rules: ExtensionRules): string {
  return `(SELECT n.lp AS lp, n.bare AS bare, COALESCE(n.bare, n.lp) AS named, ${listName(dialect, 'n.lp')} AS list,
    ${listName(dialect, 'COALESCE(n.bare, n.lp)')} AS named_list
  FROM (SELECT w.lp AS lp, ${dialect.wide(extensionSql(dialect, rules).bare('w.lp'))} AS bare
    FROM (SELECT ${dialect.wide(keyLocalpart(dialect))} AS lp) w) n) k`;
}
