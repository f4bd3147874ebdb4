// posthaste statistics: how much mail there was, over the last hour, day, week or 90 days. Read from the file that the
// server keeps; a running server is asked first to add what it has counted in the last half minute.

import path from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { countedThings, readHistory, statisticsFile } from '../metrics/mail-history.ts';
import { type MailSeries, type Range, ranges, seriesOf } from '../metrics/mail-series.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlRequest, NoServerError } from './control.ts';
import { type Column, formatTime, printList } from './output.ts';

export function register(program: Command, context: CommandContext): void {
  program
    .command('statistics')
    .description('how much mail was accepted, delivered, deferred, bounced and refused over time')
    .option('--range <range>', ranges.join(', '), '24h')
    .option('--all', 'also steps without any mail')
    .addHelpText('after', '\nExamples:\n  posthaste statistics\n  posthaste statistics --range 90d')
    .action((options: { range: string; all?: true }) => show(context, options));
}

type Point = MailSeries['points'][number];

const columns: readonly Column<Point>[] = [
  { title: 'FROM', text: ({ time }) => formatTime(time) },
  ...countedThings.map((thing) => ({
    title: thing.toUpperCase(),
    isNumber: true,
    text: (point: Point) => String(point[thing]),
  })),
];

async function show(context: CommandContext, { range: word, all }: { range: string; all?: true }): Promise<void> {
  const range = ranges.find((one) => one === word);
  if (range === undefined) throw new CommandError(`--range ${word}: must be one of ${ranges.join(', ')}`, 2);
  const zoneMinutes = -new Date(systemClock.now()).getTimezoneOffset();
  const series = context.remote
    ? await context.remote.call<MailSeries>('statistics.show', { range, zoneMinutes })
    : await localSeries(context, range, zoneMinutes);
  const shown =
    all === true ? series.points : series.points.filter((one) => countedThings.some((thing) => one[thing] > 0));
  const pages = async function* () {
    yield shown;
  };
  await printList(context, columns, pages(), 'no mail in that time');
}

async function localSeries(context: CommandContext, range: Range, zoneMinutes: number): Promise<MailSeries> {
  const folder = dataDirectoryOf(await loadConfiguration(context.configDirectory));
  try {
    await controlRequest(folder, { command: 'statistics-flush' });
  } catch (error) {
    if (!(error instanceof NoServerError)) throw error;
  }
  const now = systemClock.now();
  return seriesOf(await readHistory(path.join(folder, statisticsFile), now), range, now, zoneMinutes);
}
