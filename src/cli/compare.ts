// posthaste compare A B: are two tables, or two configuration folders, the same? Says so with what was asked, or shows
// the smallest case in which they differ, derived on both sides.

import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { openTables } from '../access/open-routing.ts';
import { plural } from '../lib/plural.ts';
import { splitList } from '../lib/split-list.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { compareTables, type TableComparison } from '../proof/compare-tables.ts';
import { OwnSide, PostmapSide, type TableSide } from '../proof/table-side.ts';
import { loadConfiguration } from '../settings/configuration.ts';
import { Settings } from '../settings/settings.ts';
import type { Tables } from '../tables/registry.ts';
import { TableError } from '../tables/table-error.ts';
import { compareFolders } from './compare-folders.ts';
import { type CommandContext, CommandError } from './context.ts';
import { openForExplaining, warningsTo } from './explainer.ts';

const help = `
A and B are tables, one or several as a parameter would list them, or folders with a main.cf:

  posthaste compare hash:/etc/postfix/virtual mysql:/etc/postfix/virtual.cf
  posthaste compare 'hash:forwards, hash:catchalls' pgsql:/etc/postfix/aliases.cf
  posthaste compare --postfix hash:/etc/postfix/virtual      ours, and what a real Postfix's postmap says
  posthaste compare /etc/postfix /etc/posthaste

All keys that can be told from either side are asked on both, and others derived from them: extensions, other case,
blanks, unknown users, bare users, @domain, subdomains.

Exit status: 0 equal, 1 different, 2 usage, 75 a table could not be asked.`;

export function register(program: Command, context: CommandContext): void {
  program
    .command('compare')
    .description('prove that two tables or configurations answer alike, or show where they do not')
    .argument('<a>', 'tables, or a folder with main.cf')
    .argument('[b]', 'the same; not needed with --postfix')
    .option('--postfix', 'the other side is a real Postfix (postmap -q)')
    .addHelpText('after', help)
    .action((a: string, b: string | undefined, options: { postfix?: boolean }) =>
      compare(context, a, b, options.postfix === true),
    );
}

async function compare(context: CommandContext, a: string, b: string | undefined, isPostfix: boolean): Promise<void> {
  if (b === undefined && !isPostfix) throw new CommandError('compare needs two sides, or --postfix', 2);
  const folders = [a, b].map((side) => side !== undefined && existsSync(path.join(side, 'main.cf')));
  if (folders[0] === true) {
    if (isPostfix) throw new CommandError('--postfix compares tables, not folders', 2);
    if (folders[1] !== true) throw new CommandError(`${b} is no folder with a main.cf, as ${a} is`, 2);
    await compareFolders(context, a, b as string);
    return;
  }
  if (a.startsWith('/') || a.startsWith('.')) {
    throw new CommandError(`${a} is neither a folder with a main.cf nor a table as hash:/etc/postfix/virtual`, 2);
  }
  const opened = await openSides(context);
  const { tables, settings } = opened;
  try {
    const first = openSide(tables, a);
    const other = openSide(tables, b ?? a);
    await tables.ready();
    const second: TableSide = isPostfix ? new PostmapSide(splitList(b ?? a), postfixFolder(context)) : other;
    const comparison = await compareTables(first, second, {
      sources: [first, other],
      delimiters: settings.text('recipient_delimiter'),
    });
    await report(context, first, second, comparison);
  } finally {
    opened.close();
  }
}

/** Tables may ask what main.cf says (proxy_read_maps, `mysql:name`); without a main.cf Postfix's defaults hold. */
async function openSides(
  context: CommandContext,
): Promise<{ readonly tables: Tables; readonly settings: Settings; close(): void }> {
  if (postfixFolder(context) === undefined) {
    const settings = Settings.defaults({});
    const tables = openTables({ settings, log: warningsTo(context), isWatching: false });
    return { tables, settings, close: () => tables.close() };
  }
  const configuration = await loadConfiguration(context.configDirectory);
  const opened = await openForExplaining(configuration, context);
  const { routing } = opened;
  return { tables: routing.tables, settings: routing.settings, close: () => opened.close() };
}

function postfixFolder({ configDirectory }: CommandContext): string | undefined {
  return existsSync(path.join(configDirectory, 'main.cf')) ? configDirectory : undefined;
}

function openSide(tables: Tables, text: string): OwnSide {
  const names = splitList(text);
  if (names.length === 0) throw new CommandError('an empty list of tables', 2);
  try {
    return new OwnSide(names.map((name) => tables.open(name)));
  } catch (error) {
    // Status 1 says that they differ.
    if (error instanceof TableError) throw new CommandError(error.message, 2);
    throw error;
  }
}

async function report(
  context: CommandContext,
  first: TableSide,
  second: TableSide,
  comparison: TableComparison,
): Promise<void> {
  const { keys, probes, differences, differing, untold } = comparison;
  const errors = differences.filter((one) => one.first.kind === 'error' || one.second.kind === 'error');
  const [smallest] = differences;
  const derivations =
    smallest === undefined ? [] : [await first.derive(smallest.key), await second.derive(smallest.key)];
  if (context.json) {
    context.print(
      JSON.stringify({ equal: differing === 0, keys, probes, differing, untold, differences, derivations }),
    );
  } else if (smallest === undefined) {
    context.print(`equal, ${plural(probes, 'probe')}, ${plural(keys, 'key')}`);
    for (const name of untold)
      context.print(`  not proved: the keys of ${name} cannot be told, so only the probes say it`);
  } else {
    context.print(`different: ${JSON.stringify(smallest.key)}`);
    for (const [side, lines] of derivations.entries()) {
      for (const line of lines) context.print(`  ${side === 0 ? 'A' : 'B'}  ${line}`);
    }
    const others = differences.slice(1).map(({ key }) => JSON.stringify(key));
    if (others.length > 0) {
      const more = differing - 1 > others.length ? `, … and ${differing - 1 - others.length} more` : '';
      context.print(`also ${others.join(', ')}${more}`);
    }
  }
  if (errors.length > 0) throw new TemporaryError(`${plural(errors.length, 'key')} could not be looked up on one side`);
  if (differing > 0) throw new CommandError(`${differing} of ${probes} keys differ`);
}
