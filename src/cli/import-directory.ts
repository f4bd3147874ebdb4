// posthaste import: takes over what another mail system hosts. Each kind of source is a subcommand; what they share is
// here: a rehearsal on a copy, writing, the proof of old against new, and the list of what was not taken and why.

import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { Directory } from '../directory/directory.ts';
import { ImportError, type ImportSource } from '../interop/import/import-source.ts';
import { ImportSink, type ImportTally } from '../interop/import/import-sink.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { extensionRules } from '../routing/routing-settings.ts';
import type { Settings } from '../settings/settings.ts';
import { commandGroup } from './command-group.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { warningsTo } from './explainer.ts';
import { type ImportProof, proveImport } from './import-proof.ts';
import { printImport } from './import-outcome.ts';
import { openSource, type SourceOptions, sourceCommands, sourceExamples } from './import-sources.ts';
import { ProgressLine } from './progress-line.ts';

export interface ImportOptions extends SourceOptions {
  readonly dryRun?: true;
  readonly update?: true;
  /** `--no-proof` is false. */
  readonly proof: boolean;
  readonly report?: string;
  readonly maildirs?: string;
}

const help = (name: string): string => `
What is read is never written to. What is here and differs stays, unless --update is given; what cannot be taken is
listed with the reason and stops nothing. Run it again at any time: what is the same is left alone, and an import that
was interrupted goes on. It ends with a proof: what every address gets from the old tables and from the new.

Exit status: 0 taken over, and every difference has a reason that is told; 1 an address gets another answer for no known
reason, or nothing could be taken over; 2 usage; 75 try again.
${sourceExamples[name] ?? ''}`;

export function register(program: Command, context: CommandContext): void {
  const command = commandGroup(program, 'import', 'bring mail and directories from elsewhere');
  for (const add of sourceCommands) {
    const added = add(command);
    const sub = added
      .addHelpText('after', help(added.name()))
      .option('--dry-run', 'do all of it on a copy, and change nothing')
      .option('--update', 'change what is here and differs')
      .option('--no-proof', 'do not compare the old answers with the new')
      .option('--report <file>', 'write the whole list of what was not taken to this file')
      .option('--maildirs <file>', 'write where the old system keeps the mail of each mailbox (CSV: address,maildir)');
    sub.action(async (...args: unknown[]) => {
      const operands = args.slice(0, -2) as (string | undefined)[];
      await runImport(context, sub.name(), operands, args.at(-2) as ImportOptions);
    });
  }
}

async function runImport(
  context: CommandContext,
  system: string,
  operands: readonly (string | undefined)[],
  options: ImportOptions,
): Promise<void> {
  const log = warningsTo(context);
  const source = await openSource(system, operands, options, log).catch(toCommandError);
  try {
    await withDirectory(context, false, async ({ directory, settings }) => {
      const work = (target: Directory): Promise<void> =>
        importInto(context, { source, target, settings, log, options });
      if (options.dryRun === true) await onCopy(directory, settings, work);
      else await work(directory);
    });
  } catch (error) {
    toCommandError(error);
  } finally {
    source.close();
  }
}

function toCommandError(error: unknown): never {
  throw error instanceof ImportError ? new CommandError(error.message) : error;
}

/** The directory as it is now, in a file of its own that is gone afterwards. */
async function onCopy(
  directory: Directory,
  settings: Settings,
  work: (copy: Directory) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'posthaste-import-'));
  try {
    const file = path.join(folder, 'directory.db');
    directory.copyTo(file);
    const copy = await Directory.open(file, {
      clock: systemClock,
      actor: 'import',
      extensionRules: extensionRules(settings),
    });
    try {
      await work(copy);
    } finally {
      copy.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface ImportRun {
  readonly source: ImportSource;
  readonly target: Directory;
  readonly settings: Settings;
  readonly log: Log;
  readonly options: ImportOptions;
}

async function importInto(context: CommandContext, run: ImportRun): Promise<void> {
  const { source, target, options } = run;
  const tally = await takeOver(run);
  const proof = await prove(run, tally);
  if (options.report !== undefined) writeReport(options.report, tally);
  await printImport(context, { source: source.name, isDryRun: options.dryRun === true, tally, proof, options });
  if (target.lookups.setting('administrator') === undefined && !context.json) {
    context.warn('nobody is the administrator yet, who gets mail to postmaster of this host itself');
  }
  if (proof !== undefined && proof.differing > proof.explained) {
    throw new CommandError(`${proof.differing - proof.explained} of ${proof.probes} addresses get another answer here`);
  }
}

async function takeOver({ source, target, options }: ImportRun): Promise<ImportTally> {
  const all = await source.count();
  const progress = new ProgressLine();
  const sink = new ImportSink(target, options.update === true, source.old === undefined);
  const maildirs = options.maildirs === undefined ? undefined : openMaildirList(options.maildirs);
  try {
    let done = 0;
    for await (const objects of source.read()) {
      await sink.write(objects);
      const rows = objects.flatMap((object) =>
        object.kind !== 'mailbox' || object.maildir === undefined
          ? []
          : [`${csv(object.value.address)},${csv(object.maildir)}\n`],
      );
      if (maildirs !== undefined) writeSync(maildirs, rows.join(''));
      progress.show('read', (done += objects.length), all);
    }
    await sink.end();
  } finally {
    progress.clear();
    if (maildirs !== undefined) closeSync(maildirs);
  }
  return sink;
}

function openMaildirList(file: string): number {
  try {
    const list = openSync(file, 'w', 0o600);
    writeSync(list, 'address,maildir\n');
    return list;
  } catch (error) {
    throw new CommandError(`${file} cannot be written: ${(error as Error).message}`);
  }
}

function csv(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

async function prove(
  { source, target, settings, log, options }: ImportRun,
  tally: ImportTally,
): Promise<ImportProof | undefined> {
  if (!options.proof || source.old === undefined) return undefined;
  const progress = new ProgressLine();
  try {
    const onProgress = (done: number, all: number): void => progress.show('compared', done, all);
    return await proveImport({ old: source.old, directory: target, tally, settings, log, onProgress });
  } finally {
    progress.clear();
  }
}

/** At most as many lines as the sink keeps. */
function writeReport(file: string, { notTaken }: ImportTally): void {
  try {
    writeFileSync(file, notTaken.map(({ what, reason }) => `${what}: ${reason}\n`).join(''), { mode: 0o600 });
  } catch (error) {
    throw new CommandError(`${file} cannot be written: ${(error as Error).message}`);
  }
}
