// smtpd_sender_login_maps as one query: sender-logins.ts of the directory, said in SQL. Who receives an address may send
// as it, through nested aliases; then grants add and denials take away. The query walks the row views from its key, so
// that a database never has to follow aliases that nobody asked for.
//
//   asked     what the key names
//   cand      the address, the address without its extension, and the catch-all: in that order the first that leads
//             anywhere holds; the last two only where a grant or a denial is said of the address itself
//   reach     what each of them leads to, in any number of steps. Of a name that an alias domain has, its home's
//   evidence  the mailboxes on the way, and what is granted and denied; of these the highest `weight` has the last word
//   weighed   the same with what is known of all together: `first` candidate that leads anywhere, whether something is
//             `named` of the address itself, and the `top` weight for the login
//
// No large part is named twice: SQLite would work it out twice, and gives up at a depth that comes soon.

import { type Dialect, type ExtensionSql, extensionSql, keyLocalpart } from './dialect.ts';
import type { MapQuery } from './queries.ts';
import { isSomebody, listName } from './views.ts';
import { keyNames } from './key-names.ts';

/** A part of the keys: those at which a mailbox stands, an alias or a list, or only a grant or denial. */
export type SenderLoginPart = 'all' | 'mailbox' | 'alias' | 'other';

export function senderLoginQuery(part: SenderLoginPart): MapQuery {
  return ({ dialect, rules }) => {
    const key = keyLocalpart(dialect);
    const split = extensionSql(dialect, rules);
    return `WITH RECURSIVE
asked AS (
  SELECT k.lp AS lp, k.bare AS bare, k.list AS list, ${listName(dialect, 'k.bare')} AS bare_list FROM ${keyNames(dialect, rules)}
),
cand AS (
  SELECT 1 AS c, lp, list FROM asked
  UNION ALL SELECT 2, bare, bare_list FROM asked
  UNION ALL SELECT 3, ${dialect.wide("''")}, NULL
),
reach AS (
${begin(dialect)}
  UNION
${step(dialect, split)}
),
evidence AS (
${evidence(dialect, split, key)}
),
weighed AS (
  SELECT login, c, weight, allowed, MIN(c) OVER () AS first, MAX(named) OVER () AS named,
    MAX(weight) OVER (PARTITION BY login) AS top
  FROM evidence
),
judged AS (
  SELECT login, CASE
      WHEN weight >= 0 THEN CASE WHEN weight = top AND allowed = 1 THEN 1 ELSE 0 END
      WHEN top = -1 AND c = first AND (c = 1 OR named = 1) THEN 1 ELSE 0 END AS kept
  FROM weighed WHERE first = 1 OR named = 1
),
counted AS (
  SELECT login, kept, MAX(kept) OVER () AS kept_any FROM judged
)
SELECT DISTINCT CASE kept WHEN 1 THEN login ELSE '(nobody)' END AS login FROM counted
WHERE (kept = 1 OR kept_any = 0)
  AND NOT EXISTS (SELECT 1 FROM postfix_domain d WHERE d.domain = '%d' AND d.active = 0)${condition(part)}
ORDER BY login`;
  };
}

const hasEnabledMailbox = (localpart: string): string =>
  `EXISTS (SELECT 1 FROM postfix_mailbox_row e
      WHERE e.domain_id = d.home_id AND e.localpart = ${localpart} AND e.enabled = 1)`;

/** The targets of the candidates; a list's owners where neither an alias nor a mailbox of somebody's stands there. */
function begin(dialect: Dialect): string {
  const target = 'COALESCE(t.localpart, p.localpart)';
  return `  SELECT k.c AS c, ${dialect.wide(`CASE ${target} WHEN '' THEN k.lp ELSE ${target} END`)} AS lp,
    ${dialect.wide('COALESCE(t.domain, p.domain)')} AS dom
  FROM cand k JOIN postfix_domain d ON d.domain = '%d'
    LEFT JOIN postfix_alias_row a ON a.domain_id = d.home_id AND a.localpart = k.lp
    LEFT JOIN postfix_target_row t ON t.alias_id = a.id
    LEFT JOIN postfix_list_row l ON l.domain_id = d.home_id AND l.localpart = k.lp
    LEFT JOIN postfix_list_row o ON o.domain_id = d.home_id AND o.localpart = k.list
    LEFT JOIN postfix_owner_row p ON a.id IS NULL AND p.list_id = COALESCE(l.id, o.id)
  WHERE (t.alias_id IS NOT NULL OR (p.list_id IS NOT NULL AND NOT ${hasEnabledMailbox('k.lp')}))
    AND NOT (k.lp = '' AND EXISTS (SELECT 1 FROM postfix_policy s WHERE s.value = 'no'))`;
}

/**
 * One replacement of virtual(5): by the whole name, else without its extension, which then is kept, else by the catch-all.
 * Mailboxes, lists' own addresses and listed recipients end the search, and lead nowhere. Each join finds one row or none.
 */
function step(dialect: Dialect, split: ExtensionSql): string {
  const kinds = ['alias', 'mailbox', 'list', 'recipient'] as const;
  const bare = split.bare('r.lp');
  const joins = (mark: string, localpart: string): string =>
    [
      ...kinds.map((kind) => [`${kind[0]}${mark}`, `postfix_${kind}_row`, localpart] as const),
      [`o${mark}`, 'postfix_list_row', listName(dialect, `(${localpart})`)] as const,
    ]
      .map(
        ([name, view, text]) =>
          `    LEFT JOIN ${view} ${name} ON ${name}.domain_id = d.home_id AND ${name}.localpart = ${text}`,
      )
      .join('\n');
  const none = (names: string): string =>
    names
      .split(' ')
      .map((name) => `${name}.domain_id IS NULL`)
      .join(' AND ');
  const target = 'COALESCE(t.localpart, p.localpart)';
  const kept = `CASE WHEN ${none('aw mw lw ow rw')} AND NOT (${none('ab mb lb ob rb')}) THEN ${split.extension('r.lp')} ELSE '' END`;
  const to = `CASE ${target} WHEN '' THEN r.lp ELSE ${dialect.concat(target, kept)} END`;
  return `  SELECT r.c, ${dialect.wide(to)}, ${dialect.wide('COALESCE(t.domain, p.domain)')}
  FROM reach r JOIN postfix_domain d ON d.domain = r.dom
${joins('w', 'r.lp')}
${joins('b', bare)}
    LEFT JOIN postfix_alias_row ac ON ac.domain_id = d.home_id AND ac.localpart = ''
    LEFT JOIN postfix_target_row t ON t.alias_id = COALESCE(aw.id,
      CASE WHEN ${none('mw lw ow rw')} THEN COALESCE(ab.id, CASE WHEN ${none('mb lb ob rb')} THEN ac.id END) END)
    LEFT JOIN postfix_owner_row p ON p.list_id = CASE WHEN ${none('aw mw lw')}
      THEN COALESCE(ow.id, CASE WHEN ${none('rw ab mb lb')} THEN ob.id END) END
  WHERE t.alias_id IS NOT NULL OR p.list_id IS NOT NULL`;
}

function evidence(dialect: Dialect, split: ExtensionSql, key: string): string {
  const { wide, concat } = dialect;
  return `  SELECT k.c AS c, ${wide(concat('k.lp', "'@'", 'd.home'))} AS login, -1 AS weight, 1 AS allowed, 0 AS named
  FROM cand k JOIN postfix_domain d ON d.domain = '%d'
  WHERE k.lp <> '' AND ${hasEnabledMailbox('k.lp')}
  UNION ALL
  SELECT r.c, ${wide(concat('m.localpart', "'@'", 'd.home'))}, -1, 1, 0
  FROM reach r JOIN postfix_domain d ON d.domain = r.dom AND d.active = 1
    JOIN postfix_mailbox_row m ON m.domain_id = d.home_id AND m.localpart IN (r.lp, ${split.bare('r.lp')}) AND m.enabled = 1
  WHERE r.lp <> '' AND (m.localpart = r.lp
    OR NOT EXISTS (SELECT 1 FROM postfix_mailbox_row o WHERE o.domain_id = d.home_id AND o.localpart = r.lp))
  UNION ALL
  SELECT 9, ${wide('g.login')}, CASE g.localpart WHEN '' THEN 0 ELSE 2 END + CASE g.domain WHEN '%d' THEN 1 ELSE 0 END,
    g.allowed, CASE g.localpart WHEN ${key} THEN 1 ELSE 0 END
  FROM postfix_right_row g
  WHERE g.localpart IN (${key}, '')
    AND (g.domain = '%d' OR g.domain IN (SELECT h.home FROM postfix_domain h WHERE h.domain = '%d'))`;
}

/** What stands at the key itself decides which of the three files answers. */
function condition(part: SenderLoginPart): string {
  if (part === 'all') return '';
  const at = (test: string): string =>
    `EXISTS (SELECT 1 FROM asked q JOIN postfix_domain d ON d.domain = '%d' WHERE ${test})`;
  const isMailbox = at(`q.lp <> '' AND ${hasEnabledMailbox('q.lp')}`);
  const isSomething = at(isSomebody('d.home_id', 'q.lp', 'q.list'));
  if (part === 'mailbox') return `\n  AND ${isMailbox}`;
  return `\n  AND NOT ${isMailbox} AND ${part === 'alias' ? '' : 'NOT '}${isSomething}`;
}
