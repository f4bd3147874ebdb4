// posthaste export postfix-maps|postfix|dovecot: what a real Postfix and Dovecot need to work on our directory.

import path from 'node:path';
import { type Command, Option } from 'commander';
import type { DirectoryServer } from '../directory/server/server-settings.ts';
import { openServerFile } from '../interop/export/admin-file.ts';
import { type Driver, drivers } from '../interop/export/dialect.ts';
import { exportDovecot } from '../interop/export/dovecot.ts';
import { type ExportEntry, noteExport } from '../interop/export/export-record.ts';
import { exportPostfix } from '../interop/export/postfix.ts';
import { deliveries, type Delivery } from '../interop/export/postfix-files.ts';
import { exportPostfixAdminViews } from '../interop/export/postfixadmin.ts';
import { exportPostfixMaps } from '../interop/export/postfix-maps.ts';
import { plural } from '../lib/plural.ts';
import { type Configuration, loadConfiguration } from '../settings/configuration.ts';
import { commandGroup } from './command-group.ts';
import type { CommandContext } from './context.ts';
import { withExportErrors } from './export-errors.ts';
import { printDone } from './output.ts';

const mapsHelp = `
Writes one file for each map of the Modoboa page (sql-domains.cf …) and of PostfixAdmin (mysql_virtual_alias_maps.cf …)
over views of our directory, which are made where they are missing. On a server an account is made that can read those
views and nothing else; its password stays as it is unless --new-password is given. Files that somebody else has made are
never replaced. See docs/driving-postfix.md.`;

const postfixHelp = `
Writes main.cf and master.cf as ours are, with the map files in the places of the directory's tables. Copy or link the
folder to /etc/postfix, or use it with postfix -c. See docs/driving-postfix.md.`;

const dovecotHelp = `
Writes a whole dovecot.conf with its SQL and quota dict files for Dovecot 2.3. What you want besides goes into
dovecot-local.conf in the same folder. Use it with dovecot -c, or link the folder to /etc/dovecot.`;

/** As commander hands them over; all but the flags are text. */
export interface ExportArguments {
  readonly driver?: Driver;
  readonly destdir: string;
  readonly reader?: string;
  readonly newPassword?: true;
  readonly group?: string;
  readonly admin?: string;
  readonly delivery?: Delivery;
  readonly mailFolder?: string;
  readonly mailUser?: string;
  readonly account?: string;
}

const program = path.resolve(import.meta.dirname, '../../bin/posthaste');

export function register(root: Command, context: CommandContext): void {
  const group = commandGroup(root, 'export', 'write what other programs read');
  common(group.command('postfix-maps'), "write Postfix's map files, under Modoboa's and PostfixAdmin's names", mapsHelp)
    .option('--reader <name>', 'the account that the files name', readerName)
    .option('--group <name>', 'who may read the files', postfixGroup)
    .action((options: ExportArguments) => withExportErrors(() => run(context, 'postfix-maps', options)));
  mailOptions(
    common(group.command('postfix'), 'write main.cf and master.cf for a real Postfix, with the maps', postfixHelp),
  )
    .option('--reader <name>', 'the account that the map files name', readerName)
    .option('--group <name>', 'who may read the map files', postfixGroup)
    .addOption(
      new Option('--delivery <how>', 'who takes the mail of our mailboxes').choices(deliveries).default('dovecot'),
    )
    .action((options: ExportArguments) => withExportErrors(() => run(context, 'postfix', options)));
  mailOptions(common(group.command('dovecot'), 'write the configuration of a real Dovecot', dovecotHelp))
    .option('--account <name>', 'the account that the files name', accountName)
    .action((options: ExportArguments) => withExportErrors(() => run(context, 'dovecot', options)));
  group
    .command('postfixadmin-views')
    .description("make PostfixAdmin's tables as views, and an account that may change passwords there")
    .option('--schema <name>', 'where they stand: a schema, for MySQL a database', 'postfixadmin')
    .option('--account <name>', 'who may change passwords', 'posthaste_password')
    .option('--admin <file>', 'an account that may make accounts: a file as posthaste_directory names one')
    .addHelpText('after', viewsHelp)
    .action((options: ViewsArguments) => withExportErrors(() => postfixAdminViews(context, options)));
}

interface ViewsArguments {
  readonly schema: string;
  readonly account: string;
  readonly admin?: string;
}

const viewsHelp = `
On PostgreSQL and MariaDB/MySQL. The account can find a mailbox by its username and change its password, and nothing else:
UPDATE mailbox SET password = '{SSHA512}…' WHERE username = 'anna@example.com'. The change is an event of the directory
(actor sql:ACCOUNT). Its password is shown once; run this again for a new one.`;

async function postfixAdminViews(context: CommandContext, { schema, account, admin }: ViewsArguments): Promise<void> {
  const configuration = await loadConfiguration(context.configDirectory);
  const result = await exportPostfixAdminViews(configuration, { schema, account, ...adminOf(configuration, admin) });
  printDone(
    context,
    `${schema}.mailbox, .alias, .domain and .alias_domain are there; ${account} may change passwords with the password ${result.password}`,
    result,
  );
}

const readerName = 'posthaste_reader';
const accountName = 'posthaste_dovecot';
const postfixGroup = 'postfix';

function common(command: Command, description: string, help: string): Command {
  return command
    .description(description)
    .addOption(new Option('--driver <driver>', "the database's kind; the directory's own").choices(drivers))
    .requiredOption('--destdir <folder>', 'where the files go')
    .option('--new-password', 'give the account a new password')
    .option('--admin <file>', 'an account that may make accounts: a file as posthaste_directory names one')
    .addHelpText('after', help);
}

function mailOptions(command: Command): Command {
  return command
    .option('--mail-folder <folder>', 'where the Maildirs are', '/var/vmail')
    .option('--mail-user <name>', 'whose they are', 'vmail');
}

async function run(context: CommandContext, kind: ExportEntry['kind'], given: ExportArguments): Promise<void> {
  const configuration = await loadConfiguration(context.configDirectory);
  const destdir = path.resolve(given.destdir);
  const { admin, newPassword = false, driver: _driver, destdir: _destdir, ...named } = given;
  const options = {
    ...exportOptions(configuration, { ...given, destdir }),
    newPassword,
    ...adminOf(configuration, admin),
  };
  const result = await makeExport(configuration, kind, options);
  await noteExport(configuration, { kind, destdir, options: named as Readonly<Record<string, string>> });
  const { files, changed } = result;
  printDone(context, `${plural(files.length, 'file')} in ${destdir}, ${changed.length} of them changed`, result);
  const remarks = 'remarks' in result ? (result.remarks as readonly string[]) : [];
  if (!context.json) for (const remark of remarks) context.warn(`posthaste: ${remark}`);
}

function adminOf(configuration: Configuration, file: string | undefined): { readonly admin?: DirectoryServer } {
  return file === undefined ? {} : { admin: openServerFile(configuration, file) };
}

/** With the defaults of the command line. */
export function exportOptions(configuration: Configuration, given: ExportArguments) {
  return {
    ...(given.driver === undefined ? {} : { driver: given.driver }),
    destdir: given.destdir,
    reader: given.reader ?? readerName,
    group: given.group ?? postfixGroup,
    delivery: given.delivery ?? 'dovecot',
    mailFolder: path.resolve(given.mailFolder ?? '/var/vmail'),
    mailUser: given.mailUser ?? 'vmail',
    account: given.account ?? accountName,
    program,
    newPassword: false,
    maker: `from ${configuration.directory}`,
  };
}

export type ExportOptions = ReturnType<typeof exportOptions> & { readonly admin?: DirectoryServer };

function makeExport(configuration: Configuration, kind: ExportEntry['kind'], options: ExportOptions) {
  if (kind === 'postfix') return exportPostfix(configuration, options);
  return kind === 'dovecot' ? exportDovecot(configuration, options) : exportPostfixMaps(configuration, options);
}
