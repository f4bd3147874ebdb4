// posthaste health: whether all is well, for people and for programs that watch (it ends with 1 where something is bad).

import type { Command } from 'commander';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlRequest } from './control.ts';
import type { HealthCheck, HealthReport } from '../admin/health-report.ts';
import { formatTime } from './output.ts';

const marks: Readonly<Record<HealthCheck['state'], string>> = {
  good: 'ok',
  warning: 'WARNING',
  bad: 'BAD',
  unknown: 'UNKNOWN',
};

export function register(program: Command, context: CommandContext): void {
  program
    .command('health')
    .description('whether all is well: queue, disk, certificates, accounting, alarms, clock, DNS, errors')
    .addHelpText(
      'after',
      '\nExamples:\n  posthaste health\n  posthaste --json health\n\nStatus 1 where something is bad.',
    )
    .action(() => show(context));
}

async function show(context: CommandContext): Promise<void> {
  const local = async () =>
    await controlRequest(dataDirectoryOf(await loadConfiguration(context.configDirectory)), { command: 'health' });
  const report = (await (context.remote?.call('health.show') ?? local())) as HealthReport;
  if (context.json) context.print(JSON.stringify(report));
  else {
    for (const { check, state, text } of report.checks) {
      context.print(`${marks[state].padEnd(9)}${check.padEnd(14)}${text}`);
    }
    for (const { time, program: name, text } of report.faults)
      context.print(`error    ${formatTime(time)} ${name}: ${text}`);
  }
  const bad = report.checks.filter(({ state }) => state === 'bad').map(({ check }) => check);
  if (bad.length > 0) throw new CommandError(`not well: ${bad.join(', ')}`);
}
