// The tables of iRedMail's Postfix (samples/postfix of iRedMail 1.x), for the proof of an import.

import type { OldSystem } from './import-source.ts';
import { OldTables } from './old-tables.ts';
import type { SourceDatabase } from './source-database.ts';

export function oldIredmail(database: SourceDatabase): OldSystem {
  const tables = new OldTables(database);
  const here = 'domain.backupmx=0 AND domain.active=1';
  const forwarding = 'SELECT forwardings.forwarding FROM forwardings';
  const through = `${forwarding}, alias_domain, domain WHERE alias_domain.alias_domain='%d' AND alias_domain.target_domain=domain.domain AND forwardings.active=1 AND alias_domain.active=1 AND domain.backupmx=0`;
  // An address with an extension never falls to a catch-all before it has lost it.
  const bare = "'%u' NOT LIKE '%%+%%'";
  tables.set('virtual_mailbox_domains', {
    virtual_mailbox_domains: `SELECT domain FROM domain WHERE domain='%s' AND backupmx=0 AND active=1 UNION SELECT alias_domain.alias_domain FROM alias_domain, domain WHERE alias_domain.alias_domain='%s' AND alias_domain.active=1 AND alias_domain.target_domain=domain.domain AND ${here}`,
  });
  tables.set('virtual_alias_maps', {
    virtual_alias_maps: `${forwarding}, domain WHERE forwardings.address='%s' AND forwardings.domain='%d' AND forwardings.domain=domain.domain AND forwardings.active=1 AND ${here}`,
    domain_alias_maps: `${through} AND forwardings.address=${database.concat("'%u'", "'@'", 'alias_domain.target_domain')}`,
    catchall_maps: `${forwarding}, domain WHERE forwardings.address='%d' AND ${bare} AND forwardings.address=domain.domain AND forwardings.active=1 AND ${here}`,
    domain_alias_catchall_maps: `${through} AND ${bare} AND forwardings.address=alias_domain.target_domain`,
  });
  tables.set('virtual_mailbox_maps', {
    virtual_mailbox_maps:
      "SELECT mailbox.maildir FROM mailbox, domain WHERE mailbox.username='%s' AND mailbox.active=1 AND mailbox.enabledeliver=1 AND domain.domain=mailbox.domain AND domain.active=1",
  });
  tables.set('relay_domains', {
    relay_domains: "SELECT domain FROM domain WHERE domain='%s' AND backupmx=1 AND active=1",
  });
  tables.set('transport_maps', {
    transport_maps_user: `SELECT mailbox.transport FROM mailbox, domain WHERE mailbox.username='%s' AND mailbox.domain='%d' AND mailbox.domain=domain.domain AND mailbox.transport<>'' AND mailbox.active=1 AND mailbox.enabledeliver=1 AND ${here}`,
    transport_maps_domain: "SELECT transport FROM domain WHERE domain='%s' AND active=1",
  });
  return { settings: tables.settings, storeTransports: ['virtual', 'dovecot', 'lmtp'], ignoredDomains: [] };
}
