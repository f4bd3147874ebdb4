// The views that other programs read: what the `directory:` tables answer, as rows of SQL, one definition for the three
// databases. They are all that the reader's account can see; none holds a password.
//
// Columns are `domain` and `localpart` apart, never an address: each query then ends in two probes of an index, also
// among millions. `localpart` '' is what holds for the rest of a domain (Postfix's key `@domain`).
//
// postfix_..._row      the tables themselves without what is secret or gone, for queries that walk them
// postfix_domain     every name that is hosted; `home...` is an alias domain's target, or itself
// postfix_mailbox    virtual_mailbox_maps
// postfix_recipient  relay_recipient_maps
// postfix_transport  transport_maps, of addresses and of domains (`localpart` '')
// postfix_name       names without a domain, of the host itself

import type { Dialect } from './dialect.ts';

export interface View {
  readonly name: string;
  readonly select: string;
}

/** In the order in which they can be made. */
export function postfixViews(dialect: Dialect): View[] {
  return [...rowViews, mailboxView(dialect), quotaView, recipientView, transportView, nameView(dialect)];
}

const domainSelect = `SELECT d.id AS id, d.name AS domain, d.kind AS kind, COALESCE(t.id, d.id) AS home_id,
  COALESCE(t.name, d.name) AS home, COALESCE(t.kind, d.kind) AS home_kind,
  CASE WHEN d.active = 1 AND COALESCE(t.active, 1) = 1 THEN 1 ELSE 0 END AS active,
  d.transport AS transport, COALESCE(t.unknown_to, d.unknown_to) AS unknown_to,
  CASE d.maintenance WHEN '' THEN COALESCE(t.maintenance, '') ELSE d.maintenance END AS maintenance,
  CASE WHEN COALESCE(t.catch_all, d.catch_all) <> 'accept' THEN COALESCE(t.catch_all, d.catch_all)
    WHEN EXISTS (SELECT 1 FROM caught_address c WHERE c.domain_id = COALESCE(t.id, d.id) AND c.state = 'refused')
    THEN 'accept' ELSE 'plain' END AS catch_all,
  CASE WHEN COALESCE(t.kind, d.kind) = 'relay' THEN COALESCE(t.takes_all, d.takes_all) ELSE 1 END AS takes_all
FROM domain d LEFT JOIN domain t ON t.id = d.target_id
WHERE d.tombstone = 0`;

const rowViews: readonly View[] = [
  { name: 'postfix_domain', select: domainSelect },
  { name: 'postfix_alias_row', select: 'SELECT id, domain_id, localpart FROM alias WHERE active = 1' },
  {
    name: 'postfix_target_row',
    select: 'SELECT alias_id, position AS place, address, domain, localpart FROM alias_target',
  },
  {
    name: 'postfix_mailbox_row',
    select: 'SELECT id, domain_id, localpart, enabled, maintenance, forward FROM mailbox WHERE tombstone = 0',
  },
  { name: 'postfix_forward_row', select: 'SELECT mailbox_id, position AS place, address FROM mailbox_forward' },
  { name: 'postfix_list_row', select: 'SELECT id, domain_id, localpart FROM list' },
  {
    name: 'postfix_owner_row',
    select: "SELECT list_id, domain, localpart, address FROM list_person WHERE role = 'owner'",
  },
  { name: 'postfix_recipient_row', select: 'SELECT domain_id, localpart FROM relay_recipient' },
  { name: 'postfix_caught_row', select: 'SELECT domain_id, localpart, state FROM caught_address' },
  { name: 'postfix_right_row', select: 'SELECT domain, localpart, login, allowed FROM sender_right' },
  { name: 'postfix_transport_row', select: 'SELECT domain, localpart, transport FROM transport' },
  { name: 'postfix_bcc', select: 'SELECT side, domain, localpart, address FROM bcc' },
  { name: 'postfix_access', select: 'SELECT stage, pattern, action FROM access_rule' },
  { name: 'postfix_policy', select: "SELECT name, value FROM setting WHERE name = 'catch-all-may-send'" },
];

const hasAlias = (id: string, localpart: string): string =>
  `EXISTS (SELECT 1 FROM postfix_alias_row o WHERE o.domain_id = ${id} AND o.localpart = ${localpart})`;
const hasMailbox = (id: string, localpart: string): string =>
  `EXISTS (SELECT 1 FROM postfix_mailbox_row o WHERE o.domain_id = ${id} AND o.localpart = ${localpart})`;
const hasList = (id: string, localpart: string): string =>
  `EXISTS (SELECT 1 FROM postfix_list_row o WHERE o.domain_id = ${id} AND o.localpart = ${localpart})`;
const hasRecipient = (id: string, localpart: string): string =>
  `EXISTS (SELECT 1 FROM postfix_recipient_row o WHERE o.domain_id = ${id} AND o.localpart = ${localpart})`;

/** The list that `owner-NAME` or `NAME-request` belongs to; NULL for other names. */
export function listName(dialect: Dialect, localpart: string): string {
  const length = dialect.length(localpart);
  return `CASE WHEN ${dialect.left(localpart, '6')} = 'owner-' THEN substr(${localpart}, 7)
    WHEN ${length} > 8 AND substr(${localpart}, ${length} - 7) = '-request' THEN ${dialect.left(localpart, `${length} - 8`)} END`;
}

/** Is a name of a domain (`id` its home's) an alias, a mailbox, a list's address (`list` its listName) or a listed recipient? */
export function isSomebody(id: string, localpart: string, list: string): string {
  const tests = [hasAlias, hasMailbox, hasList, hasRecipient].map((has) => has(id, localpart));
  return `(${[...tests, hasList(id, list)].join('\n    OR ')})`;
}

function mailboxView(dialect: Dialect): View {
  return {
    name: 'postfix_mailbox',
    select: `SELECT d.domain AS domain, m.localpart AS localpart,
  ${dialect.concat('d.domain', "'/'", pathSegment(dialect, 'm.localpart'), "'/'")} AS maildir, 0 AS is_rest
FROM postfix_domain d JOIN postfix_mailbox_row m ON m.domain_id = d.id
WHERE d.kind = 'mailbox' AND d.active = 1 AND m.enabled = 1
UNION ALL
SELECT d.domain, '', ${dialect.concat('d.domain', "'/@/'")}, 1
FROM postfix_domain d
WHERE d.kind = 'mailbox' AND d.active = 1 AND d.unknown_to <> ''`,
  };
}

/** As pathSegment of directory/tables.ts: a localpart as one name of a path. */
export function pathSegment(dialect: Dialect, localpart: string): string {
  const replaced = [
    ["'%'", '%25'],
    [`'"'`, '%22'],
    ["' '", '%20'],
    ["'/'", '%2F'],
    [dialect.backslash, '%5C'],
  ].reduce((text, [from, to]) => `REPLACE(${text}, ${from}, '${to}')`, localpart);
  const hidden = dialect.concat("'%2E'", `substr(${replaced}, 2)`);
  return `CASE WHEN ${dialect.left(localpart, '1')} = '.' THEN ${hidden} ELSE ${replaced} END`;
}

/** Bytes; a mailbox without a quota has none here. */
const quotaView: View = {
  name: 'postfix_quota',
  select: `SELECT d.name AS domain, m.localpart AS localpart, m.quota AS quota
FROM domain d JOIN mailbox m ON m.domain_id = d.id
WHERE d.tombstone = 0 AND m.tombstone = 0 AND m.quota > 0`,
};

const recipientView: View = {
  name: 'postfix_recipient',
  select: `SELECT domain, '' AS localpart FROM postfix_domain WHERE kind = 'relay' AND active = 1 AND takes_all = 1
UNION ALL
SELECT d.domain, r.localpart
FROM postfix_domain d JOIN postfix_recipient_row r ON r.domain_id = d.id
WHERE d.kind = 'relay' AND d.active = 1 AND d.takes_all = 0`,
};

/** `place`: the smallest holds where there are several. */
const transportView: View = {
  name: 'postfix_transport',
  select: `SELECT d.domain AS domain, l.localpart AS localpart, 'posthaste-list:' AS transport, 'list' AS why, 1 AS place
FROM postfix_domain d JOIN postfix_list_row l ON l.domain_id = d.id
WHERE d.kind = 'mailbox' AND d.active = 1
UNION ALL
SELECT domain, '', CASE WHEN kind = 'mailbox' AND active = 1 AND unknown_to <> '' THEN unknown_to ELSE transport END,
  CASE WHEN kind = 'relay' THEN 'relay' WHEN kind = 'mailbox' AND active = 1 AND unknown_to <> '' THEN 'split'
    ELSE 'domain' END, 1
FROM postfix_domain WHERE transport <> '' OR (kind = 'mailbox' AND active = 1 AND unknown_to <> '')
UNION ALL
SELECT domain, localpart, transport, 'entry', 2 FROM postfix_transport_row
UNION ALL
SELECT d.domain, m.localpart, CASE WHEN m.enabled = 0 THEN 'error:5.1.1 User unknown'
    WHEN d.transport = '' THEN ':' ELSE d.transport END, 'split', 3
FROM postfix_domain d JOIN postfix_mailbox_row m ON m.domain_id = d.id
WHERE d.kind = 'mailbox' AND d.active = 1 AND d.unknown_to <> ''`,
};

function nameView(dialect: Dialect): View {
  return {
    name: 'postfix_name',
    select: `SELECT n.name AS name, ${dialect.concat('m.localpart', "'@'", 'd.name')} AS target
FROM (SELECT 'postmaster' AS name UNION ALL SELECT 'abuse' UNION ALL SELECT 'root') n
JOIN setting s ON s.name = 'administrator'
JOIN mailbox m ON m.id = ${dialect.number('s.value')} AND m.tombstone = 0
JOIN domain d ON d.id = m.domain_id`,
  };
}
