// posthaste drive check|apply: does what was exported still agree with the directory and its configuration?

import type { Command } from 'commander';
import { exportDovecot } from '../interop/export/dovecot.ts';
import { findDrift } from '../interop/export/drift.ts';
import { type ExportEntry, readExports } from '../interop/export/export-record.ts';
import { exportPostfix } from '../interop/export/postfix.ts';
import { exportPostfixMaps } from '../interop/export/postfix-maps.ts';
import { openServerFile } from '../interop/export/admin-file.ts';
import { plural } from '../lib/plural.ts';
import { type Configuration, loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { exportOptions } from './export.ts';
import { withExportErrors } from './export-errors.ts';
import { printDone } from './output.ts';

const help = `
check looks at everything that was exported from this configuration: the files, the views and the accounts in the
database, and what Postfix and Dovecot make of their folders. Exit status 1 with a line for each difference and its mend.
apply exports all of it again. Neither touches a running Postfix or Dovecot: apply says what to reload.`;

export function register(program: Command, context: CommandContext): void {
  const group = program
    .command('drive')
    .description('keep a real Postfix and Dovecot in step with the directory')
    .addHelpText('after', help);
  group
    .command('check')
    .description('say what no longer agrees with what was exported')
    .action(() => withExportErrors(() => check(context)));
  group
    .command('apply')
    .description('export everything again, as it was exported the last time')
    .option('--admin <file>', 'an account that may make accounts: a file as posthaste_directory names one')
    .action(({ admin }: { admin?: string }) => withExportErrors(() => apply(context, admin)));
}

function exportsOf(configuration: Configuration): readonly ExportEntry[] {
  const entries = readExports(configuration);
  if (entries.length > 0) return entries;
  throw new CommandError('nothing was exported from here yet: see posthaste export --help');
}

function optionsOf(configuration: Configuration, { destdir, options }: ExportEntry) {
  return exportOptions(configuration, { ...options, destdir });
}

async function check(context: CommandContext): Promise<void> {
  const configuration = await loadConfiguration(context.configDirectory);
  let count = 0;
  for (const entry of exportsOf(configuration)) {
    const drifts = await findDrift(configuration, entry, optionsOf(configuration, entry));
    count += drifts.length;
    for (const drift of drifts) printDone(context, `${drift.what}: ${drift.mend}`, drift);
  }
  if (count > 0)
    throw new CommandError(`${plural(count, 'difference')}: posthaste drive apply writes everything again`);
  if (!context.json) context.print('everything that was exported agrees with the directory');
}

async function apply(context: CommandContext, admin: string | undefined): Promise<void> {
  const configuration = await loadConfiguration(context.configDirectory);
  const more = admin === undefined ? {} : { admin: openServerFile(configuration, admin) };
  for (const entry of exportsOf(configuration)) {
    const options = { ...optionsOf(configuration, entry), ...more };
    const { changed } = await exportAgain(configuration, entry, options);
    const reload = entry.kind === 'dovecot' ? 'doveadm reload' : `postfix -c ${entry.destdir} reload`;
    const hint = changed.length === 0 || entry.kind === 'postfix-maps' ? '' : `; now: ${reload}`;
    const sentence = `${entry.kind} in ${entry.destdir}: ${plural(changed.length, 'file')} changed${hint}`;
    printDone(context, sentence, { ...entry, changed });
  }
}

function exportAgain(
  configuration: Configuration,
  { kind }: ExportEntry,
  options: ReturnType<typeof optionsOf>,
): Promise<{ readonly changed: readonly string[] }> {
  if (kind === 'postfix') return exportPostfix(configuration, options);
  return kind === 'dovecot' ? exportDovecot(configuration, options) : exportPostfixMaps(configuration, options);
}
