// posthaste postalias and newaliases: Postfix's postalias(1) and newaliases(1) for files in the form of aliases(5). The
// server reads the text itself, so they check it and print Postfix's warnings.

import type { Command } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { externalAliasValue, readAliasSource } from '../tables/alias-source.ts';
import type { CommandContext } from './context.ts';
import { runTableTool, type TableTool } from './table-tool.ts';
import { registerTool } from './tool.ts';
import { parseToolOptions } from './tool-options.ts';
import { loadToolSettings } from './tool-tables.ts';

const postalias: TableTool = {
  syntax: {
    tool: 'postalias',
    letters: 'Nc:d:finopq:rsuvw',
    usage: '[-Nfinoprsuvw] [-c config_dir] [-d key] [-q key] [map_type:]file...',
  },
  read: readAliasSource,
  separator: ':\t',
  // In the text are blanks and comments that an index made by Postfix has not.
  show: (value, table) => (/^(?:hash|btree|dbm|lmdb|cdb):/.test(table.name) ? externalAliasValue(value) : value),
  // What Sendmail and NIS look for at the end of an alias file.
  signature: (settings) => [
    ['@', '@'],
    ['YP_LAST_MODIFIED', String(Math.floor(systemClock.now() / 1000)).padStart(10, '0')],
    ['YP_MASTER_NAME', settings.text('myhostname')],
  ],
};

const help = `
Without -q and -s the file is checked and warnings are printed; a cdb is written (FILE.cdb), the other types need no
index. The options are those of postmap, without -F and those for messages.

Examples:
  posthaste postalias -q postmaster hash:/etc/aliases
  posthaste postalias -s hash:/etc/aliases
  posthaste postalias /etc/aliases`;

const newaliasesHelp = `
Checks the files of alias_database as postalias does. All options of sendmail(1) are accepted, without effect.

Example:
  posthaste -c /etc/postfix newaliases`;

export function register(program: Command, context: CommandContext): void {
  registerTool(program, context, {
    name: 'postalias',
    description: 'ask, list or check alias files, with the options of postalias(1)',
    help,
    run: (tools, args) => runTableTool(postalias, tools, args),
  });
  registerTool(program, context, {
    name: 'newaliases',
    description: 'check the alias files that alias_database names',
    help: newaliasesHelp,
    run: newaliases,
  });
}

/** Also what `sendmail -bi` means. */
export async function newaliases(context: CommandContext, args: readonly string[]): Promise<void> {
  // Those of sendmail(1) that take a value must be known, so that no value is taken for a file.
  const options = parseToolOptions(
    { tool: 'newaliases', letters: 'A:B:C:F:GIL:N:O:R:UV:X:b:c:e:f:h:imno:p:r:q:tvx', usage: '[options]' },
    args,
  );
  const named = options.value('c') ?? options.value('C');
  const tools = named === undefined ? context : { ...context, configDirectory: named, isConfigNamed: true };
  const { settings } = await loadToolSettings(tools.configDirectory, tools.isConfigNamed === true);
  for (const file of settings.list('alias_database')) await runTableTool(postalias, tools, [file]);
}
