// The tables of mailcow's Postfix (data/conf/postfix of mailcow: dockerized), for the proof of an import. Its catch-alls,
// aliases and mailboxes are rows of `alias`; recipient_maps and temporary aliases are left out of the import and here.

import type { OldSystem } from './import-source.ts';
import { OldTables } from './old-tables.ts';
import type { SourceDatabase } from './source-database.ts';

export function oldMailcow(database: SourceDatabase): OldSystem {
  const tables = new OldTables(database);
  tables.set('virtual_mailbox_domains', {
    mysql_virtual_domains_maps:
      "SELECT alias_domain FROM alias_domain WHERE alias_domain='%s' AND active='1' UNION SELECT domain FROM domain WHERE domain='%s' AND active = '1' AND backupmx = '0'",
  });
  tables.set('virtual_alias_maps', {
    mysql_virtual_alias_maps: "SELECT goto FROM alias WHERE address='%s' AND active IN ('1', '2')",
    mysql_virtual_resource_maps:
      "SELECT 'null@localhost' FROM mailbox WHERE kind REGEXP 'location|thing|group' AND username = '%s'",
    mysql_virtual_alias_domain_maps:
      "SELECT username FROM mailbox, alias_domain WHERE alias_domain.alias_domain = '%d' AND mailbox.username = CONCAT('%u', '@', alias_domain.target_domain) AND mailbox.active IN ('1', '2') AND alias_domain.active = '1'",
  });
  tables.set('virtual_mailbox_maps', {
    mysql_virtual_mailbox_maps: "SELECT username FROM mailbox WHERE username = '%s' AND active IN ('1', '2')",
  });
  tables.set('relay_domains', {
    mysql_virtual_relay_domain_maps: "SELECT domain FROM domain WHERE domain='%s' AND backupmx = '1' AND active = '1'",
  });
  tables.set('relay_recipient_maps', {
    mysql_relay_recipient_maps:
      "SELECT DISTINCT CASE WHEN '%d' IN (SELECT domain FROM domain WHERE relay_all_recipients=1 AND domain='%d' AND backupmx=1) THEN '%s' ELSE (SELECT goto FROM alias WHERE address='%s' AND active='1') END AS result",
  });
  return { settings: tables.settings, storeTransports: ['virtual', 'lmtp'], ignoredDomains: ['localhost'] };
}
