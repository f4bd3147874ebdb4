// The tables that PostfixAdmin tells people to give their Postfix (its DOCUMENTS/POSTFIX_CONF.txt and BACKUP_MX.txt),
// over one database, for the proof of an import.

import type { OldSystem } from './import-source.ts';
import { OldTables } from './old-tables.ts';
import type { PostfixAdminSettings } from './postfixadmin-settings.ts';
import type { SourceDatabase } from './source-database.ts';

export function oldPostfixAdmin(database: SourceDatabase, settings: PostfixAdminSettings): OldSystem {
  const { prefix, hasTransports, vacationDomain } = settings;
  const [alias, domain, mailbox, aliasDomain] = ['alias', 'domain', 'mailbox', 'alias_domain'].map(
    (name) => `${prefix}${name}`,
  );
  const [yes, no] = database.dialect === 'pgsql' ? ["'t'", "'f'"] : ["'1'", "'0'"];
  const through = `${aliasDomain}.alias_domain = '%d' AND ${aliasDomain}.active = ${yes}`;
  const same = database.concat("'%u'", "'@'", `${aliasDomain}.target_domain`);
  const all = database.concat("'@'", `${aliasDomain}.target_domain`);
  const aliasThrough = `SELECT goto FROM ${alias}, ${aliasDomain} WHERE ${through} AND ${alias}.active = ${yes}`;
  const isHere = `domain = '%s' AND active = ${yes} AND backupmx = ${no}`;
  const goesOn = "(transport LIKE 'smtp%%' OR transport LIKE 'relay%%')";
  const tables = new OldTables(database);
  tables.set('virtual_mailbox_domains', {
    virtual_domains: `SELECT domain FROM ${domain} WHERE ${isHere}${hasTransports ? ` AND NOT ${goesOn}` : ''}`,
  });
  tables.set('virtual_alias_maps', {
    virtual_alias: `SELECT goto FROM ${alias} WHERE address = '%s' AND active = ${yes}`,
    virtual_alias_domain: `${aliasThrough} AND ${alias}.address = ${same}`,
    virtual_alias_domain_catchall: `${aliasThrough} AND ${alias}.address = ${all}`,
  });
  tables.set('virtual_mailbox_maps', {
    virtual_mailbox: `SELECT maildir FROM ${mailbox} WHERE username = '%s' AND active = ${yes}`,
    virtual_alias_domain_mailbox: `SELECT maildir FROM ${mailbox}, ${aliasDomain} WHERE ${through} AND ${mailbox}.username = ${same} AND ${mailbox}.active = ${yes}`,
  });
  tables.set('relay_domains', {
    relay_domains: `SELECT domain FROM ${domain} WHERE domain = '%s' AND backupmx = ${yes} AND active = ${yes}`,
  });
  if (hasTransports) {
    tables.set('relay_domains', {
      relay_transports: `SELECT domain FROM ${domain} WHERE domain = '%s' AND active = ${yes} AND ${goesOn}`,
    });
    tables.set('transport_maps', {
      transport: `SELECT transport FROM ${domain} WHERE domain = '%s' AND active = ${yes}`,
    });
  }
  return {
    settings: tables.settings,
    storeTransports: ['virtual', 'dovecot', 'maildrop', 'local', 'lmtp'],
    ignoredDomains: vacationDomain === '' ? [] : [vacationDomain],
  };
}
