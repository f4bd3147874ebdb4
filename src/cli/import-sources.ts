// The subcommands of `posthaste import`, one for each kind of source, and how each is opened.

import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { AliasesFileSource } from '../interop/import/aliases-file.ts';
import { CsvSource } from '../interop/import/csv-file.ts';
import { DovecotSource } from '../interop/import/dovecot.ts';
import { HowtoSource } from '../interop/import/howto.ts';
import { IredmailSource } from '../interop/import/iredmail.ts';
import { MailcowSource } from '../interop/import/mailcow.ts';
import { ModoboaSource } from '../interop/import/modoboa.ts';
import { PostfixFolderSource } from '../interop/import/postfix-folder.ts';
import { loadConfiguration } from '../settings/configuration.ts';
import type { ImportSource } from '../interop/import/import-source.ts';
import { ImportError } from '../interop/import/import-source.ts';
import { PostfixAdminSource } from '../interop/import/postfixadmin.ts';
import { readPostfixAdminConfiguration, usualSettings } from '../interop/import/postfixadmin-settings.ts';
import { readAccount, type SourceAccount, SourceDatabase } from '../interop/import/source-database.ts';
import type { Log } from '../lib/log.ts';
import type { SqlDialect } from '../tables/sql/sql-quoting.ts';
import { askHidden } from './new-password.ts';

export interface SourceOptions {
  readonly source?: string;
  readonly settings?: string;
  readonly askPassword?: true;
  readonly quotaMultiplier?: string;
  readonly vacationDomain?: string;
  readonly transports?: true;
  readonly prefix?: string;
  readonly domain?: string;
  readonly addDomains?: true;
}

interface OpenRequest {
  readonly operands: readonly (string | undefined)[];
  readonly options: SourceOptions;
  readonly log: Log;
}

const sourceText = 'the database: mysql:FILE, pgsql:FILE or sqlite:FILE, FILE a .cf file of its Postfix';

const withSource = (command: Command): Command =>
  command
    .option('--source <type:file>', sourceText)
    .option('--ask-password', "ask for the database account's password");

/** Each adds its subcommand. */
export const sourceCommands: readonly ((parent: Command) => Command)[] = [
  (parent) =>
    withSource(parent.command('postfixadmin'))
      .description("PostfixAdmin's database")
      .option('--settings <file>', 'its config.inc.php (by default /etc/postfixadmin/config.inc.php, without --source)')
      .option('--quota-multiplier <bytes>', '$CONF[quota_multiplier], where there is no --settings')
      .option('--vacation-domain <domain>', '$CONF[vacation_domain], where there is no --settings')
      .option('--transports', '$CONF[transport] is YES: domains have transports of their own')
      .option('--prefix <text>', "$CONF[database_prefix]: what stands before its tables' names"),
  (parent) => withSource(parent.command('modoboa')).description("Modoboa's database"),
  (parent) => withSource(parent.command('howto')).description('the four tables domains, users, forwardings, transport'),
  (parent) => withSource(parent.command('mailcow')).description("mailcow's database"),
  (parent) => withSource(parent.command('iredmail')).description("iRedMail's database (not its LDAP edition)"),
  (parent) =>
    parent
      .command('postfix')
      .description('a Postfix configuration with its tables')
      .argument('[folder]', 'the folder with main.cf', '/etc/postfix'),
  (parent) =>
    parent
      .command('dovecot')
      .description("Dovecot's users, of a passwd-file or an SQL database")
      .argument('[file]', 'dovecot.conf', '/etc/dovecot/dovecot.conf')
      .option('--domain <domain>', 'of names that have none (by default auth_default_realm)')
      .option('--add-domains', 'host the domains of the users that are not hosted yet'),
  (parent) =>
    parent
      .command('aliases')
      .description('an aliases(5) file as addresses of one domain')
      .argument('[file]', '', '/etc/aliases')
      .requiredOption('--domain <domain>', 'the domain, which is hosted already'),
  (parent) =>
    parent
      .command('csv')
      .description('mailboxes and aliases of a CSV file, whose first row names the columns')
      .argument('<file>')
      .option('--add-domains', 'host the domains that are not hosted yet'),
];

const ofDatabase = (name: string, file: string): string => `
Examples:
  posthaste import ${name} --source ${file} --dry-run
  posthaste import ${name} --source ${file}`;

/** Behind the help of each. */
export const sourceExamples: Readonly<Record<string, string>> = {
  postfixadmin: `
Examples:
  posthaste import postfixadmin --dry-run
  posthaste import postfixadmin --settings /srv/postfixadmin/config.inc.php --report left-out.txt
  posthaste import postfixadmin --source mysql:/etc/postfix/sql/mysql_virtual_alias_maps.cf`,
  modoboa: ofDatabase('modoboa', 'pgsql:/etc/postfix/sql-aliases.cf'),
  howto: ofDatabase('howto', 'mysql:/etc/postfix/mysql-virtual_forwardings.cf'),
  mailcow: ofDatabase('mailcow', 'mysql:/opt/postfix/conf/sql/mysql_virtual_alias_maps.cf'),
  iredmail: ofDatabase('iredmail', 'mysql:/etc/postfix/mysql/virtual_alias_maps.cf'),
  postfix: `
Examples:
  posthaste import postfix --dry-run
  posthaste import postfix /srv/old/etc/postfix --report left-out.txt`,
  dovecot: `
Examples:
  posthaste import dovecot --add-domains --maildirs maildirs.csv
  posthaste import dovecot /srv/old/etc/dovecot/dovecot.conf --domain example.com`,
  aliases: `
Examples:
  posthaste import aliases --domain example.com
  posthaste import aliases /srv/old/etc/aliases --domain example.com`,
  csv: `
Columns: address, and targets (an alias), or those of a mailbox: password or password_hash, name, quota, enabled, forward,
forward_mode. Several targets or forwards stand in one field, with commas between them.

Example:
  posthaste import csv people.csv --add-domains`,
};

const openers: Readonly<Record<string, (request: OpenRequest) => Promise<ImportSource> | ImportSource>> = {
  postfixadmin: openPostfixAdmin,
  modoboa: async ({ options, log }) => new ModoboaSource(await openNamed(options, log)),
  howto: async ({ options, log }) => new HowtoSource(await openNamed(options, log)),
  mailcow: async ({ options, log }) => new MailcowSource(await openNamed(options, log)),
  iredmail: async ({ options, log }) => new IredmailSource(await openNamed(options, log)),
  postfix: async ({ operands: [folder = ''], log }) =>
    new PostfixFolderSource(folder, (await loadConfiguration(folder)).settings, log),
  dovecot: ({ operands: [file = ''], options, log }) => {
    const { domain, addDomains } = options;
    const addsDomains = addDomains === true;
    return new DovecotSource(file, { addsDomains, ...(domain === undefined ? {} : { domain }) }, log);
  },
  aliases: ({ operands: [file = ''], options }) => new AliasesFileSource(file, options.domain ?? ''),
  csv: ({ operands: [file = ''], options }) => new CsvSource(file, options.addDomains === true),
};

export async function openSource(
  system: string,
  operands: readonly (string | undefined)[],
  options: SourceOptions,
  log: Log,
): Promise<ImportSource> {
  const open = openers[system];
  if (open === undefined) throw new Error(`nobody imports ${system}`);
  return await open({ operands, options, log });
}

async function openPostfixAdmin({ options, log }: OpenRequest): Promise<ImportSource> {
  const file = options.settings ?? (options.source === undefined ? '/etc/postfixadmin/config.inc.php' : undefined);
  if (file !== undefined && options.settings === undefined && !existsSync(file)) {
    throw new ImportError(`${file} does not exist: name it with --settings, or the database with --source`);
  }
  const configuration = file === undefined ? undefined : readPostfixAdminConfiguration(file);
  const settings = configuration?.settings ?? usualSettings;
  const { quotaMultiplier, vacationDomain, transports, prefix } = options;
  const bytes = Number(quotaMultiplier ?? settings.quotaMultiplier);
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw new ImportError('--quota-multiplier is a number of bytes');
  const database =
    options.source === undefined && configuration !== undefined
      ? await openDatabase(
          configuration.dialect,
          `${configuration.dialect}, ${file}`,
          configuration.account,
          options,
          log,
        )
      : await openNamed(options, log);
  return new PostfixAdminSource(database, {
    ...settings,
    quotaMultiplier: bytes,
    vacationDomain: vacationDomain ?? settings.vacationDomain,
    hasTransports: transports ?? settings.hasTransports,
    prefix: prefix ?? settings.prefix,
  });
}

async function openNamed(options: SourceOptions, log: Log): Promise<SourceDatabase> {
  if (options.source === undefined) throw new ImportError(`--source is missing: ${sourceText}`);
  const { dialect, account } = readAccount(options.source);
  return await openDatabase(dialect, options.source, account, options, log);
}

async function openDatabase(
  dialect: SqlDialect,
  name: string,
  account: SourceAccount,
  { askPassword }: SourceOptions,
  log: Log,
): Promise<SourceDatabase> {
  const password = askPassword === true ? await askHidden(`Password of ${account.get('user') ?? 'the account'}: `) : '';
  const whole = askPassword === true ? new Map([...account, ['password', password]]) : account;
  return new SourceDatabase(dialect, name, whole, log);
}
