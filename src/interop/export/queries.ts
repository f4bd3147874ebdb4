// The queries of the map files: each answers exactly the keys that one `directory:` table answers, or a part of them, so
// that the parts together are the whole. Where two files share a table no key is answered by both: their order in
// main.cf means nothing.

import type { ExtensionRules } from '../../address/extension.ts';
import type { AccessStage, BccSide } from '../../directory/schema.ts';
import { type Dialect, extensionSql, keyLocalpart } from './dialect.ts';
import { keyNames } from './key-names.ts';
import { senderLoginQuery } from './sender-login-query.ts';
import { isSomebody } from './views.ts';
import { virtualAliasQuery } from './virtual-alias-query.ts';

export interface QueryContext {
  readonly dialect: Dialect;
  readonly rules: ExtensionRules;
}

export type MapQuery = (context: QueryContext) => string;

const domainsOf = (condition: string): MapQuery => {
  return () => `SELECT domain FROM postfix_domain WHERE domain = '%s' AND ${condition}`;
};

/** Rows of a view at the key's localpart and domain. */
const rowsAt = (column: string, view: string, more = ''): MapQuery => {
  return ({ dialect }) =>
    `SELECT ${column} FROM ${view}
WHERE domain = '%d' AND localpart = ${keyLocalpart(dialect)}${more}`;
};

/** Keys are addresses, domains, `.parent` and `*` (transport(5)). */
const transports = (kinds: string): MapQuery => {
  return ({ dialect }) => {
    const before = dialect.left("'%s'", `${dialect.length("'%s'")} - ${dialect.length(dialect.keyDomain)} - 1`);
    const isDomain = `${dialect.position("'%s'", "'@'")} = 0`;
    return `SELECT x.transport FROM postfix_transport x
WHERE x.domain = ${dialect.keyDomain}
  AND x.localpart = CASE WHEN ${isDomain} THEN '' ELSE ${before} END
  AND (x.localpart <> '' OR ${isDomain}) AND x.why IN (${kinds})
  AND NOT EXISTS (SELECT 1 FROM postfix_transport o
    WHERE o.domain = x.domain AND o.localpart = x.localpart AND o.place < x.place)`;
  };
};

/** access(5)'s keys stand in the rules as they are asked for. */
const access = (stage: AccessStage): MapQuery => {
  return () => `SELECT action FROM postfix_access WHERE stage = '${stage}' AND pattern = '%s'`;
};

/** An alias domain's addresses get the copies of its target's, where nothing is said of them themselves. */
const bcc = (side: BccSide): MapQuery => {
  return ({ dialect }) => {
    const key = keyLocalpart(dialect);
    return `SELECT address FROM (
  SELECT address, 0 AS place FROM postfix_bcc WHERE side = '${side}' AND domain = '%d' AND localpart = ${key}
  UNION ALL
  SELECT b.address, 1 FROM postfix_domain d JOIN postfix_bcc b ON b.domain = d.home
  WHERE d.domain = '%d' AND d.kind = 'alias-domain' AND b.side = '${side}' AND b.localpart = ${key}
) x ORDER BY place LIMIT 1`;
  };
};

/** For check_recipient_access: of domains, and of mailboxes whose mail nobody else gets. Only whole addresses: the key `domain` would hold for its subdomains as well. */
const maintenance: MapQuery = ({ dialect, rules }) => {
  const key = keyLocalpart(dialect);
  const bare = extensionSql(dialect, rules).bare(key);
  return `SELECT ${dialect.concat("'450 4.2.1 In maintenance: '", 'reason')} FROM (
  SELECT maintenance AS reason, 0 AS place FROM postfix_domain
  WHERE domain = '%d' AND active = 1 AND maintenance <> '' AND ${key} <> ''
  UNION ALL
  SELECT m.maintenance, 1 FROM postfix_domain d JOIN postfix_mailbox_row m ON m.domain_id = d.home_id
  WHERE d.domain = '%d' AND d.active = 1 AND m.localpart IN (${key}, ${bare}) AND m.maintenance <> ''
    AND NOT EXISTS (SELECT 1 FROM postfix_alias_row a WHERE a.domain_id = d.home_id AND a.localpart = m.localpart)
    AND NOT EXISTS (SELECT 1 FROM postfix_forward_row f WHERE f.mailbox_id = m.id)
) x ORDER BY place LIMIT 1`;
};

/** For a main.cf without relay_recipient_maps: who is not listed is unknown there too. */
const unknownRelayRecipients: MapQuery = ({ dialect, rules }) => {
  const known = (name: string, list: string): string => isSomebody('d.home_id', `k.${name}`, `k.${list}`);
  return `SELECT '550 5.1.1 User unknown in relay recipient table' FROM ${keyNames(dialect, rules)}
JOIN postfix_domain d ON d.domain = '%d' AND d.kind = 'relay' AND d.takes_all = 0
WHERE k.lp <> '' AND NOT ${known('lp', 'list')} AND NOT ${known('named', 'named_list')}
  AND NOT EXISTS (SELECT 1 FROM postfix_alias_row c WHERE c.domain_id = d.home_id AND c.localpart = '')`;
};

/**
 * PostfixAdmin finds the mailboxes of alias domains here. Ours are found as aliases of the target's, which comes first; so
 * that an unknown user stays unknown this file answers nobody.
 */
const throughMailboxes: MapQuery = ({ dialect }) => `SELECT m.maildir FROM postfix_mailbox m
JOIN postfix_domain d ON d.domain = m.domain AND d.kind = 'alias-domain'
WHERE m.domain = '%d' AND m.localpart = ${keyLocalpart(dialect)}`;

export const mapQueries = {
  mailboxDomains: domainsOf("kind IN ('mailbox', 'alias-domain')"),
  hostedDomains: domainsOf("kind <> 'relay'"),
  aliasClassDomains: domainsOf("kind = 'alias'"),
  relayDomains: domainsOf("kind = 'relay'"),
  aliases: virtualAliasQuery('all'),
  ownAliases: virtualAliasQuery('own'),
  throughAliases: virtualAliasQuery('through'),
  throughCatchAll: virtualAliasQuery('through-rest'),
  names: () => "SELECT target FROM postfix_name WHERE name = '%s'",
  mailboxes: rowsAt('maildir', 'postfix_mailbox'),
  throughMailboxes,
  mailboxLimits: rowsAt('quota', 'postfix_quota'),
  relayRecipients: rowsAt("'OK'", 'postfix_recipient'),
  transports: transports("'list', 'domain', 'entry', 'relay', 'split'"),
  otherTransports: transports("'list', 'domain', 'entry'"),
  relayTransports: transports("'relay'"),
  splitTransports: transports("'split'"),
  senderBcc: bcc('sender'),
  recipientBcc: bcc('recipient'),
  clientAccess: access('client'),
  heloAccess: access('helo'),
  senderAccess: access('sender'),
  recipientAccess: access('recipient'),
  maintenance,
  unknownRelayRecipients,
  senderLogins: senderLoginQuery('all'),
  mailboxSenderLogins: senderLoginQuery('mailbox'),
  aliasSenderLogins: senderLoginQuery('alias'),
  otherSenderLogins: senderLoginQuery('other'),
} satisfies Record<string, MapQuery>;
