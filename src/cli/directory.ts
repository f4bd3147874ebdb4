// posthaste directory: where the directory is, bringing it up to date, and moving it from one database to another.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { Directory } from '../directory/directory.ts';
import { directoryPlace, openConfiguredDirectory } from '../directory/open-directory.ts';
import { type DryRun, dryRunOnFile, dryRunOnServer } from '../directory/server/dry-run.ts';
import { moveDirectory } from '../directory/server/move-directory.ts';
import { replicaFile } from '../directory/server/replica-path.ts';
import { openServerStore, openSqliteStore, type RowStore } from '../directory/server/row-store.ts';
import { ServerLink } from '../directory/server/server-link.ts';
import { type DirectoryPlace, parseDirectoryPlace, readDirectoryServer } from '../directory/server/server-settings.ts';
import { DirectoryTable, directoryTableNames } from '../directory/tables.ts';
import { systemClock } from '../lib/clock.ts';
import { lockDataFolder } from '../main/data-lock.ts';
import { compareTables } from '../proof/compare-tables.ts';
import { OwnSide } from '../proof/table-side.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import type { Settings } from '../settings/settings.ts';
import { type CommandContext, CommandError } from './context.ts';
import { giveToOwner } from './directory-session.ts';
import { printAdvice, printDone, printObject } from './output.ts';

const moveHelp = `
FROM and TO are "sqlite:" (directory.db in the data folder), "pgsql:FILE" or "mysql:FILE", as in posthaste_directory. TO
must be empty. The server here must be stopped; on other nodes changes wait. At the end every row is compared, and
every key of every directory: table. FROM stays as it is.

Examples:
  posthaste directory move sqlite: pgsql:/etc/posthaste/directory.cf
  posthaste directory move pgsql:/etc/posthaste/directory.cf sqlite:`;

/** Beyond so many keys the rows alone are the proof: the lists of keys would not fit into memory. */
const maxProvedKeys = 2_000_000;
const progressRows = 100_000;

export function register(program: Command, context: CommandContext): void {
  const directory = program.command('directory').description('where the directory is kept, and moving it');
  directory
    .command('status')
    .description('where the directory is, its schema, and on a server at which revision the copy is')
    .action(() => status(context));
  directory
    .command('migrate')
    .description("bring the directory's schema to this version's (a start does it too)")
    .option('--dry-run', 'only try it on a copy, and say what it would do')
    .action((options: { dryRun?: true }) => migrate(context, options.dryRun === true));
  directory
    .command('move')
    .description('move the directory to another database, and prove that it is the same')
    .argument('<from>', 'sqlite:, pgsql:FILE or mysql:FILE')
    .argument('<to>', 'likewise; it must be empty')
    .addHelpText('after', moveHelp)
    .action((from: string, to: string) => move(context, from, to));
}

interface Place {
  readonly settings: Settings;
  readonly dataDirectory: string;
}

async function placeOf(context: CommandContext): Promise<Place> {
  const configuration = await loadConfiguration(context.configDirectory);
  const dataDirectory = dataDirectoryOf(configuration);
  if (!existsSync(dataDirectory)) {
    throw new CommandError(`the data folder ${dataDirectory} does not exist: run "posthaste start" first`);
  }
  return { settings: configuration.settings, dataDirectory };
}

async function status(context: CommandContext): Promise<void> {
  const { settings, dataDirectory } = await placeOf(context);
  const place = directoryPlace(settings);
  const warn = (text: string): void => context.warn(`posthaste: ${text}`);
  const options = { readonly: true, clock: systemClock, actor: 'status', warn };
  const directory = await openConfiguredDirectory(settings, dataDirectory, options);
  try {
    await directory.fresh();
    const name = place.kind === 'sqlite' ? path.join(dataDirectory, 'directory.db') : readDirectoryServer(place).name;
    const found = { directory: name, ...directory.standing() };
    const lines = Object.entries(found).map(([key, value]) => [key, String(value)] as const);
    printObject(context, found, lines);
  } finally {
    directory.close();
  }
}

async function migrate(context: CommandContext, isDry: boolean): Promise<void> {
  const { settings, dataDirectory } = await placeOf(context);
  const place = directoryPlace(settings);
  const warn = (text: string): void => context.warn(`posthaste: ${text}`);
  if (isDry) {
    printDryRun(context, await dryRun(place, dataDirectory, warn));
    return;
  }
  const options = { clock: systemClock, actor: 'migrate', warn };
  const directory = await openConfiguredDirectory(settings, dataDirectory, options);
  try {
    await directory.fresh();
    const { schema } = directory.standing();
    printDone(context, `the directory has schema ${schema}, which is this version's`, { schema });
  } finally {
    directory.close();
  }
}

async function dryRun(place: DirectoryPlace, dataDirectory: string, warn: (text: string) => void): Promise<DryRun> {
  const options = { clock: systemClock };
  if (place.kind === 'sqlite') {
    const file = path.join(dataDirectory, 'directory.db');
    if (!existsSync(file)) throw new CommandError(`${file} does not exist: there is nothing to migrate`);
    return await dryRunOnFile(file, options);
  }
  const limits = { connectMilliseconds: 5000, queryMilliseconds: 3_600_000 };
  const link = new ServerLink(readDirectoryServer(place), warn, limits);
  try {
    return await dryRunOnServer(link, options);
  } finally {
    link.close();
  }
}

function printDryRun(context: CommandContext, run: DryRun): void {
  if (context.json) {
    context.print(JSON.stringify(run));
    return;
  }
  if (run.migrations.length === 0) {
    context.print(`nothing to do: the directory has schema ${run.to} already`);
    return;
  }
  context.print(`on a copy, from schema ${run.from} to ${run.to}, in ${Math.ceil(run.milliseconds)} ms:`);
  for (const { version, name } of run.migrations) context.print(`  ${version} ${name}`);
  for (const sql of run.statements) context.print(`    ${sql.replaceAll(/\s+/g, ' ')}`);
  for (const { table, before, after } of run.tables) {
    context.print(`  ${table}: ${before} rows${after === before ? ', all kept' : ` before, ${after} after`}`);
  }
  printAdvice(context, 'nothing has been changed: "posthaste directory migrate" or a start does it');
}

async function move(context: CommandContext, fromText: string, toText: string): Promise<void> {
  const { settings, dataDirectory } = await placeOf(context);
  const folder = settings.text('config_directory');
  const [from, to] = [parseDirectoryPlace(fromText, folder), parseDirectoryPlace(toText, folder)];
  if (JSON.stringify(from) === JSON.stringify(to)) throw new CommandError('FROM and TO are the same directory', 2);
  const lock = lockDataFolder(dataDirectory);
  try {
    const stores: RowStore[] = [];
    try {
      stores.push(await openStore(context, from, dataDirectory, 'source'));
      stores.push(await openStore(context, to, dataDirectory, 'target'));
      const [source, target] = stores as [RowStore, RowStore];
      const moved = await moveDirectory(source, target, progressOf(context));
      const rows = moved.reduce((sum, table) => sum + table.rows, 0);
      context.warn(`posthaste: ${rows} rows of ${moved.length} tables are equal on both sides`);
    } finally {
      for (const store of stores) await store.close();
    }
    const keys = await proveTables(context, from, to, { settings, dataDirectory });
    const setting = `posthaste_directory = ${toText}`;
    const next = `now write "${setting}" into ${path.join(folder, 'main.cf')}, here and on every other node, and start`;
    printDone(context, `moved: ${keys}; ${next}`, { moved: true, setting });
  } finally {
    lock.release();
  }
}

async function openStore(
  context: CommandContext,
  place: DirectoryPlace,
  dataDirectory: string,
  use: 'source' | 'target',
): Promise<RowStore> {
  const warn = (text: string): void => context.warn(`posthaste: ${text}`);
  if (place.kind === 'server') {
    return await openServerStore(readDirectoryServer(place), use, { clock: systemClock, warn });
  }
  const file = path.join(dataDirectory, 'directory.db');
  if (use === 'source' && !existsSync(file)) throw new CommandError(`${file} does not exist: there is nothing to move`);
  return await openSqliteStore(file, systemClock);
}

function progressOf(context: CommandContext): (what: string, rows: number) => void {
  let last = 0;
  return (what, rows) => {
    const step = Math.floor(rows / progressRows);
    if (step !== last && step > 0) context.warn(`posthaste: ${rows} rows ${what}`);
    last = step;
  };
}

/** Every key that either side knows, asked in every directory: table of both. It also makes the copy that a start needs. */
async function proveTables(
  context: CommandContext,
  from: DirectoryPlace,
  to: DirectoryPlace,
  { settings, dataDirectory }: Place,
): Promise<string> {
  const opened: Directory[] = [];
  // The copy of TO is the one that a start needs.
  const scratch = mkdtempSync(path.join(dataDirectory, 'move-'));
  try {
    for (const [place, folder] of [
      [from, scratch],
      [to, dataDirectory],
    ] as const) {
      opened.push(await openPlace(context, place, dataDirectory, folder));
    }
    giveToOwner(
      to.kind === 'sqlite' ? path.join(dataDirectory, 'directory.db') : replicaFile(dataDirectory),
      dataDirectory,
    );
    const [one, other] = opened as [Directory, Directory];
    await one.fresh();
    const count = one.lookups.everyKey().length;
    if (count > maxProvedKeys) return `all rows are equal, and with them the answers to ${count} keys`;
    let probes = 0;
    for (const name of directoryTableNames) {
      const [first, second] = [one, other].map(({ lookups }) => new OwnSide([new DirectoryTable(lookups, name)]));
      if (first === undefined || second === undefined) continue;
      const options = { sources: [first, second], delimiters: settings.text('recipient_delimiter') };
      const result = await compareTables(first, second, options);
      const [smallest] = result.differences;
      if (smallest !== undefined) {
        throw new CommandError(`directory:${name} answers ${JSON.stringify(smallest.key)} differently: do not use it`);
      }
      probes += result.probes;
    }
    return `${directoryTableNames.length} tables answer ${probes} questions alike`;
  } finally {
    for (const directory of opened) directory.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function openPlace(
  context: CommandContext,
  place: DirectoryPlace,
  dataDirectory: string,
  copyFolder: string,
): Promise<Directory> {
  const warn = (text: string): void => context.warn(`posthaste: ${text}`);
  const options = { readonly: true, clock: systemClock, actor: 'move', warn };
  if (place.kind === 'sqlite') return await Directory.open(path.join(dataDirectory, 'directory.db'), options);
  return await Directory.openOnServer(readDirectoryServer(place), replicaFile(copyFolder), options);
}
