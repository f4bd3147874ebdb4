// The tables of Modoboa's page about Postfix, with the queries that its generate_postfix_maps writes, for the proof of an
// import. Its Postfix has no virtual_mailbox_maps: who exists is found out by a probe of the LMTP server
// (reject_unverified_recipient). Here a query gives that server's answer.

import type { OldSystem } from './import-source.ts';
import { OldTables } from './old-tables.ts';
import type { SourceDatabase } from './source-database.ts';

export function oldModoboa(database: SourceDatabase, recipients: string): OldSystem {
  const is = (column: string): string => (database.dialect === 'pgsql' ? column : `${column}=1`);
  const tables = new OldTables(database);
  const domains = (type: string): string =>
    `SELECT name FROM admin_domain WHERE name='%s' AND type='${type}' AND ${is('enabled')}`;
  const mailboxes =
    'admin_mailbox mb INNER JOIN admin_domain dom ON mb.domain_id=dom.id INNER JOIN core_user u ON u.id=mb.user_id';
  const here = `dom.name='%d' AND mb.address='%u' AND ${is('u.is_active')} AND ${is('dom.enabled')}`;
  tables.set('virtual_mailbox_domains', { sql_domains: domains('domain') });
  tables.set('virtual_alias_domains', {
    sql_domain_aliases: `SELECT dom.name FROM admin_domain dom INNER JOIN admin_domainalias domal ON dom.id=domal.target_id WHERE domal.name='%s' AND ${is('domal.enabled')} AND ${is('dom.enabled')}`,
  });
  tables.set('virtual_alias_maps', {
    sql_aliases: `SELECT alr.address FROM ${recipients} AS alr INNER JOIN admin_alias AS al ON alr.alias_id=al.id WHERE ${is('al.enabled')} AND al.address='%s'`,
  });
  tables.set('relay_domains', { sql_relaydomains: domains('relaydomain') });
  tables.set('virtual_mailbox_maps', { probed: `SELECT mb.address FROM ${mailboxes} WHERE ${here}` });
  tables.set('transport_maps', {
    sql_spliteddomains_transport: `SELECT 'lmtp:unix:private/dovecot-lmtp' FROM ${mailboxes} WHERE dom.type='relaydomain' AND ${here}`,
    sql_transport: `SELECT ${database.concat('service', "':'", 'next_hop')} FROM transport_transport WHERE pattern='%s'`,
  });
  return { settings: tables.settings, storeTransports: ['virtual', 'lmtp'], ignoredDomains: [] };
}
