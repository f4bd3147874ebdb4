// The files of `posthaste export postfix-maps`: Modoboa's names, PostfixAdmin's, and a few that neither has. Every one is
// a table of Postfix's (mysql_table(5), pgsql_table(5), sqlite_table(5)) over our views.
//
// Modoboa's page puts several files behind one parameter, and so does PostfixAdmin's: each of them answers its part of the
// keys, and together they answer what one `directory:` table answers. Which that is stands in `tables`.

import type { DirectoryTableName } from '../../directory/tables.ts';
import type { Driver } from './dialect.ts';
import { mapQueries, type QueryContext } from './queries.ts';

export type MapQueryName = keyof typeof mapQueries;

export interface MapFile {
  readonly name: string;
  /** Whose name it is. */
  readonly set: 'modoboa' | 'postfixadmin' | 'posthaste';
  readonly query: MapQueryName;
  /** The parameter of Postfix's in which it stands, for the head of the file. */
  readonly use: string;
}

/** Under these names on Modoboa's page, and in its newer versions. */
const modoboa = [
  ['sql-domains.cf', 'mailboxDomains', 'virtual_mailbox_domains'],
  ['sql-domain-aliases.cf', 'aliasClassDomains', 'virtual_alias_domains'],
  ['sql-aliases.cf', 'aliases', 'virtual_alias_maps'],
  ['sql-relaydomains.cf', 'relayDomains', 'relay_domains'],
  ['sql-spliteddomains-transport.cf', 'splitTransports', 'transport_maps'],
  ['sql-relaydomains-transport.cf', 'relayTransports', 'transport_maps'],
  ['sql-transport.cf', 'otherTransports', 'transport_maps'],
  ['sql-maintain.cf', 'maintenance', 'smtpd_recipient_restrictions: check_recipient_access'],
  [
    'sql-relay-recipient-verification.cf',
    'unknownRelayRecipients',
    'smtpd_recipient_restrictions: check_recipient_access',
  ],
  ['sql-sender-login-mailboxes.cf', 'mailboxSenderLogins', 'smtpd_sender_login_maps'],
  ['sql-sender-login-aliases.cf', 'aliasSenderLogins', 'smtpd_sender_login_maps'],
  ['sql-sender-login-mailboxes-extra.cf', 'otherSenderLogins', 'smtpd_sender_login_maps'],
  ['sql-sender-login-map.cf', 'senderLogins', 'smtpd_sender_login_maps (in place of the three)'],
] as const;

/** What the page has no file for. */
const posthaste = [
  ['sql-mailboxes.cf', 'mailboxes', 'virtual_mailbox_maps'],
  ['sql-names.cf', 'names', 'virtual_alias_maps, behind sql-aliases.cf: postmaster, abuse and root of this host'],
  ['sql-relay-recipients.cf', 'relayRecipients', 'relay_recipient_maps'],
  ['sql-sender-bcc.cf', 'senderBcc', 'sender_bcc_maps'],
  ['sql-recipient-bcc.cf', 'recipientBcc', 'recipient_bcc_maps'],
  ['sql-client-access.cf', 'clientAccess', 'smtpd_client_restrictions: check_client_access'],
  ['sql-helo-access.cf', 'heloAccess', 'smtpd_helo_restrictions: check_helo_access'],
  ['sql-sender-access.cf', 'senderAccess', 'smtpd_sender_restrictions: check_sender_access'],
  ['sql-recipient-access.cf', 'recipientAccess', 'smtpd_recipient_restrictions: check_recipient_access'],
] as const;

/** Behind `mysql_`, `pgsql_` or `sqlite_`, as PostfixAdmin's POSTFIX_CONF.txt has them. */
const postfixAdmin = [
  ['virtual_domains_maps.cf', 'hostedDomains', 'virtual_mailbox_domains'],
  ['virtual_alias_maps.cf', 'ownAliases', 'virtual_alias_maps'],
  ['virtual_alias_domain_maps.cf', 'throughAliases', 'virtual_alias_maps'],
  ['virtual_alias_domain_catchall_maps.cf', 'throughCatchAll', 'virtual_alias_maps'],
  ['virtual_mailbox_maps.cf', 'mailboxes', 'virtual_mailbox_maps'],
  ['virtual_alias_domain_mailbox_maps.cf', 'throughMailboxes', 'virtual_mailbox_maps'],
  ['virtual_mailbox_limit_maps.cf', 'mailboxLimits', 'virtual_mailbox_limit_maps, which stock Postfix does not have'],
  ['relay_domains.cf', 'relayDomains', 'relay_domains'],
  ['relay_recipient_maps.cf', 'relayRecipients', 'relay_recipient_maps'],
  ['transport_maps.cf', 'transports', 'transport_maps'],
  ['sender_login_maps.cf', 'senderLogins', 'smtpd_sender_login_maps'],
] as const;

export function mapFiles(driver: Driver): MapFile[] {
  const file = (set: MapFile['set'], prefix = '') => {
    return ([name, query, use]: readonly [string, MapQueryName, string]): MapFile => ({
      name: prefix + name,
      set,
      query,
      use,
    });
  };
  return [
    ...modoboa.map(file('modoboa')),
    ...posthaste.map(file('posthaste')),
    ...postfixAdmin.map(file('postfixadmin', `${driver}_`)),
  ];
}

export interface SetPart {
  readonly table: DirectoryTableName | readonly DirectoryTableName[];
  readonly files: readonly string[];
}

/** Which files of a set answer together as which `directory:` table, in the order in which main.cf names them. */
export function setParts(driver: Driver): SetPart[] {
  const own = (...names: readonly string[]): string[] => names.map((name) => `sql-${name}.cf`);
  const admin = (...names: readonly string[]): string[] => names.map((name) => `${driver}_${name}.cf`);
  return [
    { table: 'mailbox-domains', files: own('domains') },
    { table: 'alias-domains', files: own('domain-aliases') },
    { table: 'relay-domains', files: own('relaydomains') },
    { table: 'virtual-aliases', files: own('aliases', 'names') },
    { table: 'mailboxes', files: own('mailboxes') },
    { table: 'relay-recipients', files: own('relay-recipients') },
    { table: 'transports', files: own('spliteddomains-transport', 'relaydomains-transport', 'transport') },
    {
      table: 'sender-logins',
      files: own('sender-login-mailboxes', 'sender-login-aliases', 'sender-login-mailboxes-extra'),
    },
    { table: 'sender-logins', files: own('sender-login-map') },
    ...(
      ['sender-bcc', 'recipient-bcc', 'client-access', 'helo-access', 'sender-access', 'recipient-access'] as const
    ).map((table) => ({ table, files: own(table) })),
    { table: ['mailbox-domains', 'alias-domains'], files: admin('virtual_domains_maps') },
    {
      table: 'virtual-aliases',
      files: [
        ...admin('virtual_alias_maps', 'virtual_alias_domain_maps', 'virtual_alias_domain_catchall_maps'),
        ...own('names'),
      ],
    },
    { table: 'mailboxes', files: admin('virtual_mailbox_maps', 'virtual_alias_domain_mailbox_maps') },
    { table: 'relay-domains', files: admin('relay_domains') },
    { table: 'relay-recipients', files: admin('relay_recipient_maps') },
    { table: 'transports', files: admin('transport_maps') },
    { table: 'sender-logins', files: admin('sender_login_maps') },
  ];
}

/** Where Postfix finds the database. */
export type MapConnection =
  | { readonly driver: 'sqlite'; readonly file: string }
  | {
      readonly driver: 'mysql' | 'pgsql';
      /** As `hosts` has them. */
      readonly hosts: readonly string[];
      readonly database: string;
      readonly user: string;
      readonly password: string;
    };

const mark = '# Made by posthaste export postfix-maps';

/** The text of one file. */
export function mapFileText(file: MapFile, connection: MapConnection, context: QueryContext, maker: string): string {
  const query = mapQueries[file.query](context).replaceAll('\n', '\n    ');
  const head = `${mark} (${maker}): run that again instead of changing this file.
# ${file.use}
`;
  return `${head}${connectionLines(connection)}query = ${query}\n`;
}

function connectionLines(connection: MapConnection): string {
  if (connection.driver === 'sqlite') return `dbpath = ${connection.file}\n`;
  const { hosts, user, password, database } = connection;
  return `hosts = ${hosts.join(' ')}\nuser = ${user}\npassword = ${password}\ndbname = ${database}\n`;
}

/** A file that this command may replace. */
export function isOurs(text: string): boolean {
  return text.startsWith(mark);
}

/** The password that a file of ours holds. */
export function passwordIn(text: string): string | undefined {
  return isOurs(text) ? /^password = (\S+)$/m.exec(text)?.[1] : undefined;
}
