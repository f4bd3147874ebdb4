// What a Dovecot is told of the mailboxes: one view for its passdb and userdb, which alone shows password hashes, and the
// table `quota2` into which its quota dict writes, as PostfixAdmin has it.

import type { Dialect } from './dialect.ts';
import { pathSegment, type View } from './views.ts';

export const mustChangeReason = 'the password has to be changed first';
export const expiredReason = 'the password has expired';

/** Under the address of each alias domain too; `address` is the mailbox's own. Hashes have their scheme before them. */
export function dovecotViews(dialect: Dialect): View[] {
  const { driver, left, concat } = dialect;
  // Without a per cent sign, which Dovecot and Postfix would take for theirs.
  const now =
    driver === 'sqlite'
      ? "(julianday('now') - 2440587.5) * 86400000"
      : driver === 'mysql'
        ? 'UNIX_TIMESTAMP() * 1000'
        : 'EXTRACT(EPOCH FROM now()) * 1000';
  const scheme = (name: string): string => concat(`'{${name}}'`, 'm.password');
  const quotaRule = concat("'*:bytes='", driver === 'mysql' ? 'CAST(m.quota AS CHAR)' : 'CAST(m.quota AS text)');
  return [
    {
      name: 'dovecot_mailbox',
      select: `SELECT d.name AS domain, m.localpart AS localpart, ${concat('m.localpart', "'@'", 'COALESCE(t.name, d.name)')} AS address,
  CASE WHEN ${left('m.password', '1')} = '{' THEN m.password
    WHEN ${left('m.password', '10')} = '$argon2id$' THEN ${scheme('ARGON2ID')}
    WHEN ${left('m.password', '9')} = '$argon2i$' THEN ${scheme('ARGON2I')}
    ELSE ${scheme('CRYPT')} END AS password,
  CASE WHEN m.must_change = 1 THEN '${mustChangeReason}'
    WHEN m.password_expires <> 0 AND m.password_expires <= ${now} THEN '${expiredReason}' END AS reason,
  CASE m.protocols WHEN '' THEN ' smtp imap pop3 sieve ' ELSE ${concat("' '", 'm.protocols', "' '")} END AS protocols,
  CASE WHEN d.target_id IS NULL THEN 1 ELSE 0 END AS is_own
FROM domain d LEFT JOIN domain t ON t.id = d.target_id
  JOIN mailbox m ON m.domain_id = COALESCE(t.id, d.id)
WHERE d.tombstone = 0 AND d.active = 1 AND COALESCE(t.active, 1) = 1 AND m.tombstone = 0 AND m.enabled = 1`,
    },
    {
      // Where mail is delivered; without hashes.
      name: 'dovecot_home',
      select: `SELECT d.name AS domain, m.localpart AS localpart, ${concat('m.localpart', "'@'", 'COALESCE(t.name, d.name)')} AS address,
  ${concat('COALESCE(t.name, d.name)', "'/'", pathSegment(dialect, 'm.localpart'))} AS folder,
  ${quotaRule} AS quota_rule
FROM domain d LEFT JOIN domain t ON t.id = d.target_id
  JOIN mailbox m ON m.domain_id = COALESCE(t.id, d.id)
WHERE d.tombstone = 0 AND d.active = 1 AND COALESCE(t.active, 1) = 1 AND m.tombstone = 0 AND m.enabled = 1`,
    },
  ];
}

/** `collation`: the one of the directory's tables. */
export function quotaTable(dialect: Dialect, collation: string): string {
  const options = dialect.driver === 'mysql' ? ` DEFAULT CHARSET=utf8mb4 COLLATE=${collation}` : '';
  const text = dialect.driver === 'pgsql' ? `varchar(330) COLLATE ${collation}` : 'varchar(330)';
  return `CREATE TABLE IF NOT EXISTS quota2 (username ${text} NOT NULL PRIMARY KEY,
  bytes bigint NOT NULL DEFAULT 0, messages integer NOT NULL DEFAULT 0)${options}`;
}
