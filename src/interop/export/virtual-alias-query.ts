// virtual_alias_maps as one query: virtual-alias.ts of the directory, said in SQL. One probe of an index for each thing
// that may stand at a name; what stands there decides what the name becomes:
//
//   a  an alias, whose targets are in t               o  a list's `owner-NAME` or `NAME-request`, whose owners are in p
//   m  a mailbox, perhaps forwarded to those in f     r  a listed recipient of a relay domain
//   l  a mailing list                                 c  the domain's catch-all, for who is nobody
//
// The address of an alias domain becomes the same name at the target, for whoever is known there.

import { keyNames } from './key-names.ts';
import type { MapQuery } from './queries.ts';
import { isSomebody } from './views.ts';

/** Which names: all, those of domains that have addresses of their own, or of alias domains without or with `@domain`. */
export type AliasPart = 'all' | 'own' | 'through' | 'through-rest';

const parts: Readonly<Record<AliasPart, string>> = {
  all: '',
  own: "d.kind <> 'alias-domain' AND ",
  through: "d.kind = 'alias-domain' AND %key <> '' AND ",
  'through-rest': "d.kind = 'alias-domain' AND %key = '' AND ",
};

export function virtualAliasQuery(part: AliasPart): MapQuery {
  return ({ dialect, rules }) => {
    const [key, named] = ['k.lp', 'k.named'];
    const isThrough = "d.kind = 'alias-domain'";
    const isCaught = caught(named);
    return `SELECT CASE
    WHEN ${isThrough} THEN ${dialect.concat(key, "'@'", 'd.home')}
    WHEN t.alias_id IS NOT NULL THEN t.address
    WHEN f.place = 0 AND m.forward <> 'forward' THEN ${dialect.concat(key, "'@'", 'd.domain', "','", 'f.address')}
    WHEN f.mailbox_id IS NOT NULL THEN f.address
    WHEN p.list_id IS NOT NULL THEN p.address
    ELSE ${dialect.concat(key, "'@'", 'd.domain')} END AS target
FROM ${keyNames(dialect, rules)}
  JOIN postfix_domain d ON d.domain = '%d' AND d.active = 1
  LEFT JOIN postfix_alias_row a ON a.domain_id = d.home_id AND a.localpart = ${key}
  LEFT JOIN postfix_mailbox_row m ON m.domain_id = d.home_id AND m.localpart = ${key}
  LEFT JOIN postfix_list_row l ON l.domain_id = d.home_id AND l.localpart = ${key}
  LEFT JOIN postfix_list_row o ON o.domain_id = d.home_id AND o.localpart = k.list
  LEFT JOIN postfix_recipient_row r ON r.domain_id = d.home_id AND r.localpart = ${key} AND d.takes_all = 0
  LEFT JOIN postfix_alias_row c ON c.domain_id = d.home_id AND c.localpart = ''
  LEFT JOIN postfix_target_row t ON t.alias_id = CASE
    WHEN ${isThrough} THEN NULL
    WHEN a.id IS NOT NULL THEN a.id
    WHEN m.id IS NULL AND l.id IS NULL AND o.id IS NULL AND r.domain_id IS NULL THEN c.id END
  LEFT JOIN postfix_forward_row f ON f.mailbox_id = CASE
    WHEN ${isThrough} THEN NULL
    WHEN a.id IS NULL AND m.enabled = 1 THEN m.id END
  LEFT JOIN postfix_owner_row p ON p.list_id = CASE
    WHEN ${isThrough} THEN NULL
    WHEN a.id IS NULL AND m.id IS NULL AND l.id IS NULL THEN o.id END
WHERE ${parts[part].replace('%key', key)}CASE
    WHEN ${key} = '' THEN CASE
      WHEN d.catch_all <> 'plain' THEN 0
      WHEN a.id IS NOT NULL THEN 1
      WHEN ${isThrough} AND (d.unknown_to <> '' OR (d.home_kind = 'relay' AND d.takes_all = 1)) THEN 1 ELSE 0 END
    WHEN a.id IS NOT NULL THEN 1
    WHEN m.id IS NOT NULL THEN CASE WHEN m.enabled = 1 OR c.id IS NOT NULL THEN 1 ELSE 0 END
    WHEN l.id IS NOT NULL OR o.id IS NOT NULL THEN 1
    WHEN r.domain_id IS NOT NULL THEN CASE WHEN ${isThrough} OR c.id IS NOT NULL THEN 1 ELSE 0 END
    WHEN c.id IS NULL OR d.catch_all = 'plain' THEN 0
    WHEN ${isCaught} THEN 1 ELSE 0 END = 1
ORDER BY t.place, f.place, p.domain, p.localpart`;
  };
}

/** Where a catch-all decides by name it answers at the name itself; what is decided about has no extension. */
function caught(named: string): string {
  const isDecided = (state: string): string =>
    `EXISTS (SELECT 1 FROM postfix_caught_row s
      WHERE s.domain_id = d.home_id AND s.localpart = ${named} AND s.state = '${state}')`;
  return `NOT ${isSomebody('d.home_id', named, 'k.named_list')}
      AND NOT ${isDecided('refused')} AND (d.catch_all <> 'refuse' OR ${isDecided('accepted')})`;
}
