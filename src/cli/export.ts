// posthaste export …: what a real Postfix and Dovecot, and other programs, need to work on our directory.

import path from 'node:path';
import { type Command, Option } from 'commander';
import { openServerFile } from '../interop/export/admin-file.ts';
import { type Driver, drivers } from '../interop/export/dialect.ts';
import { exportPostfixMaps } from '../interop/export/postfix-maps.ts';
import { loadConfiguration } from '../settings/configuration.ts';
import { commandGroup } from './command-group.ts';
import type { CommandContext } from './context.ts';
import { withExportErrors } from './export-errors.ts';
import { printDone } from './output.ts';

const mapsHelp = `
Writes one file for each map of the Modoboa page (sql-domains.cf …) and of PostfixAdmin (mysql_virtual_alias_maps.cf …)
over views of our directory, which are made where they are missing. On a server an account is made that can read those
views and nothing else; its password stays as it is unless --new-password is given. Files that somebody else has made are
never replaced. See docs/driving-postfix.md.`;

interface MapsArguments {
  readonly driver?: Driver;
  readonly destdir: string;
  readonly reader: string;
  readonly newPassword?: true;
  readonly group: string;
  readonly admin?: string;
}

export function register(program: Command, context: CommandContext): void {
  const group = commandGroup(program, 'export', 'write what other programs need to work on our directory');
  group
    .command('postfix-maps')
    .description("write Postfix's map files over the directory, under Modoboa's and PostfixAdmin's names")
    .addOption(new Option('--driver <driver>', "the database's kind; the directory's own").choices(drivers))
    .requiredOption('--destdir <folder>', 'where the files go')
    .option('--reader <name>', 'the account that the files name', 'posthaste_reader')
    .option('--new-password', 'give the account a new password')
    .option('--group <name>', 'who may read the files', 'postfix')
    .option('--admin <file>', 'an account that may make accounts: a file as posthaste_directory names one')
    .addHelpText('after', mapsHelp)
    .action((options: MapsArguments) => withExportErrors(() => postfixMaps(context, options)));
}

async function postfixMaps(context: CommandContext, options: MapsArguments): Promise<void> {
  const configuration = await loadConfiguration(context.configDirectory);
  const { driver, destdir, reader, newPassword = false, group, admin } = options;
  const result = await exportPostfixMaps(configuration, {
    ...(driver === undefined ? {} : { driver }),
    destdir: path.resolve(destdir),
    reader,
    newPassword,
    group,
    ...(admin === undefined ? {} : { admin: openServerFile(configuration, admin) }),
    maker: `from ${context.configDirectory}`,
  });
  const { files, changed, remarks } = result;
  printDone(context, `${files.length} files in ${destdir}, ${changed.length} of them changed`, result);
  if (!context.json) for (const remark of remarks) context.warn(`posthaste: ${remark}`);
}
