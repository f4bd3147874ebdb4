// posthaste accounting: the books of the queue. Every recipient that was accepted is in one of them, or in the queue.

import type { Command } from 'commander';
import { plural } from '../lib/plural.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlRequest } from './control.ts';
import { printDone, printObject } from './output.ts';
import type { AccountingStatus, ServerStatus } from './server-status.ts';

const help = `
Counted are final recipients, after virtual aliases are expanded and duplicates removed, since the store was made.
  accepted = delivered + forwarded + relayed + bounced + discarded + deleted + unexplained + held + queued
Anything else is an alarm: exit status 1 here, an error in the log, a line of posthaste status, and the metric
posthaste_accounting_mismatch. It means that somebody changed the database by hand or that the program has a bug: compare
the log's queue ids with posthaste queue list. When it has been looked into, --acknowledge books the difference as
"unexplained", so that the next one is seen.`;

export function register(program: Command, context: CommandContext): void {
  program
    .command('accounting')
    .description('the books of the queue: what was accepted, and what became of it')
    .option('--acknowledge', 'book a mismatch as unexplained')
    .addHelpText('after', help)
    .action((options: { acknowledge?: true }) => (options.acknowledge ? acknowledge(context) : show(context)));
}

async function dataDirectory(context: CommandContext): Promise<string> {
  return dataDirectoryOf(await loadConfiguration(context.configDirectory));
}

async function acknowledge(context: CommandContext): Promise<void> {
  const request = { command: 'accounting-acknowledge' } as const;
  const mismatch = Number(await controlRequest(await dataDirectory(context), request));
  const sentence =
    mismatch === 0 ? 'the books agree with the queue' : `${plural(mismatch, 'recipient')} booked as unexplained`;
  printDone(context, sentence, { acknowledged: mismatch });
}

async function show(context: CommandContext): Promise<void> {
  const status = (await controlRequest(await dataDirectory(context), { command: 'status' })) as ServerStatus;
  const { accounting } = status;
  if (accounting === undefined) throw new CommandError('the server keeps no books', 75);
  printObject(context, accounting, lines(accounting));
  if (accounting.mismatch !== 0) {
    throw new CommandError(
      `${plural(Math.abs(accounting.mismatch), 'recipient is', 'recipients are')} not accounted for: see --help`,
    );
  }
}

function lines({ entered, mismatch, ...left }: AccountingStatus): (readonly [string, string])[] {
  const rows = Object.entries(left).map(([name, count]) => [name, String(count)] as const);
  return [['accepted', String(entered)], ...rows, ['mismatch', String(mismatch)]];
}
