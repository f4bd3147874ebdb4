// The configuration of a Dovecot 2.3 (Debian 12) on our directory: whole, so that nothing of another one has a say. What
// an administrator wants besides stands in dovecot-local.conf beside it, which is read last and never written here.
//
// Mail is delivered by LMTP into Maildirs below one folder, all of one user of the system. The quota is counted by
// Dovecot itself; `quota2` gets a copy, where PostfixAdmin and people's scripts look for it.

import type { ServerAddress } from '../../database/server/server-session.ts';
import type { Dialect } from './dialect.ts';
import { type ExportedFile, exportMark } from './export-files.ts';

export interface DovecotFacts {
  readonly dialect: Dialect;
  /** `connect` of dovecot-sql.conf.ext. */
  readonly connect: string;
  readonly quotaConnect: string;
  readonly destdir: string;
  readonly maker: string;
  /** Where the Maildirs are, and whose they are. */
  readonly mailFolder: string;
  readonly mailUser: string;
  readonly mailGroup: string;
  /** Postfix's queue_directory: its sockets are below. */
  readonly queueDirectory: string;
  readonly postmaster: string;
  readonly recipientDelimiter: string;
  readonly certificate: { readonly file: string; readonly keyFile: string } | undefined;
  readonly hasSieve: boolean;
  readonly hasPop3: boolean;
}

/** Addresses become hosts in turn, as Dovecot tries them. Values have no quotes here, so none may be in them. */
export function serverConnect(
  addresses: readonly ServerAddress[],
  account: { readonly name: string; readonly password: string },
): string {
  const database = addresses[0]?.database ?? '';
  const words = addresses.flatMap(({ dialect, socket, host, port }) => [
    `host=${socket ?? host}`,
    // libpq takes a socket's port too; a MySQL socket has none.
    ...(dialect === 'postgresql' || socket === undefined ? [`port=${port}`] : []),
  ]);
  return [...words, `dbname=${database}`, `user=${account.name}`, `password=${account.password}`].join(' ');
}

export function dovecotFiles(facts: DovecotFacts): ExportedFile[] {
  return [
    { name: 'dovecot.conf', text: mainFile(facts), mode: 0o644 },
    { name: 'dovecot-sql.conf.ext', text: sqlFile(facts), mode: 0o600 },
    { name: 'dovecot-dict-quota.conf.ext', text: quotaFile(facts), mode: 0o600 },
  ];
}

function head(facts: DovecotFacts): string {
  return `# ${exportMark} dovecot (${facts.maker}): run that again instead of changing this file.\n`;
}

const driverNames = { sqlite: 'sqlite', mysql: 'mysql', pgsql: 'pgsql' } as const;

function sqlFile(facts: DovecotFacts): string {
  const { dialect, connect, mailFolder, mailUser, mailGroup } = facts;
  const path = dialect.concat(`'${mailFolder}/'`, 'folder');
  return `${head(facts)}driver = ${driverNames[dialect.driver]}
connect = ${connect}

# The name goes on as the mailbox's own, also where somebody logs in by an alias domain's.
password_query = SELECT address AS "user", password, reason, CASE WHEN reason IS NULL THEN NULL ELSE 'y' END AS nologin \\
  FROM dovecot_mailbox WHERE domain = '%d' AND localpart = '%n' \\
  AND ${dialect.position('protocols', dialect.concat("' '", "CASE '%s' WHEN 'submission' THEN 'smtp' ELSE '%s' END", "' '"))} > 0

user_query = SELECT address AS "user", ${path} AS home, '${mailUser}' AS uid, '${mailGroup}' AS gid, quota_rule \\
  FROM dovecot_home WHERE domain = '%d' AND localpart = '%n'

iterate_query = SELECT address AS "user" FROM dovecot_mailbox WHERE is_own = 1
`.replaceAll('AS "user"', dialect.driver === 'mysql' ? 'AS user' : 'AS "user"');
}

function quotaFile(facts: DovecotFacts): string {
  const map = (pattern: string, field: string): string => `map {
  pattern = priv/quota/${pattern}
  table = quota2
  username_field = username
  value_field = ${field}
}
`;
  return `${head(facts)}connect = ${facts.quotaConnect}
${map('storage', 'bytes')}${map('messages', 'messages')}`;
}

function mainFile(facts: DovecotFacts): string {
  const { destdir, mailUser, hasSieve, hasPop3, certificate, recipientDelimiter, postmaster } = facts;
  const protocols = ['imap', 'lmtp', ...(hasPop3 ? ['pop3'] : []), ...(hasSieve ? ['sieve'] : [])];
  const tls =
    certificate === undefined
      ? 'ssl = no\ndisable_plaintext_auth = yes\n'
      : `ssl = required
ssl_cert = <${certificate.file}
ssl_key = <${certificate.keyFile}
ssl_min_protocol = TLSv1.2
`;
  return `${head(facts)}# What you want otherwise goes into dovecot-local.conf beside this file.

protocols = ${protocols.join(' ')}
${tls}auth_username_format = %Lu
auth_mechanisms = plain login
recipient_delimiter = ${recipientDelimiter}
postmaster_address = ${postmaster}
mail_location = maildir:~/Maildir
mail_uid = ${mailUser}
mail_gid = ${facts.mailGroup}
first_valid_uid = 1
mail_plugins = quota quota_clone

passdb {
  driver = sql
  args = ${destdir}/dovecot-sql.conf.ext
}
userdb {
  driver = sql
  args = ${destdir}/dovecot-sql.conf.ext
}

${namespace}
${services(facts)}
dict {
  quota2 = ${driverNames[facts.dialect.driver]}:${destdir}/dovecot-dict-quota.conf.ext
}
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_status_success = DUNNO
  quota_clone_dict = proxy::quota2
${hasSieve ? '  sieve = file:~/sieve;active=~/.dovecot.sieve\n' : ''}}
protocol imap {
  mail_plugins = $mail_plugins imap_quota
}
protocol lmtp {
  mail_plugins = $mail_plugins${hasSieve ? ' sieve' : ''}
}

!include_try dovecot-local.conf
`;
}

/** Folders with the names and uses that our own server gives a mailbox (RFC 6154). */
const namespace = `namespace inbox {
  inbox = yes
  separator = /
${['Drafts', 'Sent', 'Junk', 'Trash', 'Archive']
  .map((name) => `  mailbox ${name} {\n    special_use = \\${name}\n    auto = subscribe\n  }`)
  .join('\n')}
}
`;

function services({ queueDirectory, mailUser }: DovecotFacts): string {
  const owned = (mode: string, user: string): string => `    mode = ${mode}\n    user = ${user}\n`;
  return `# Postfix asks here who has logged in, and delivers here (smtpd_sasl_path, virtual_transport).
service auth {
  unix_listener ${queueDirectory}/private/auth {
${owned('0600', 'postfix')}  }
}
service lmtp {
  unix_listener ${queueDirectory}/private/dovecot-lmtp {
${owned('0600', 'postfix')}  }
}
service dict {
  unix_listener dict {
${owned('0600', mailUser)}  }
}
`;
}
