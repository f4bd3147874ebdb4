// posthaste stop | reload | status: asks the running server over its control socket.

import type { Command } from 'commander';
import { plural } from '../lib/plural.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import type { CommandContext } from './context.ts';
import { controlRequest } from './control.ts';
import { printAdvice, printDone } from './output.ts';
import type { AccountingStatus, ServerStatus } from './server-status.ts';

export function register(program: Command, context: CommandContext): void {
  const dataDirectory = async () => dataDirectoryOf(await loadConfiguration(context.configDirectory));

  program
    .command('stop')
    .description('stop the server: clients get 421, nothing accepted is lost')
    .action(async () => {
      await controlRequest(await dataDirectory(), { command: 'stop' });
      printDone(context, 'stopped', { stopped: true });
    });

  program
    .command('reload')
    .description('read main.cf, master.cf and certificates again; sessions go on')
    .action(async () => {
      const warnings = (await controlRequest(await dataDirectory(), { command: 'reload' })) as string[];
      for (const warning of warnings) context.warn(warning);
      printDone(context, 'reloaded', { reloaded: true, warnings });
    });

  program
    .command('status')
    .description('what the server does: listeners, counts, queue')
    .addHelpText('after', '\nExamples:\n  posthaste status\n  posthaste --json status')
    .action(async () => {
      const { remote } = context;
      const local = async () => await controlRequest(await dataDirectory(), { command: 'status' });
      const status = (await (remote?.call('status.show') ?? local())) as ServerStatus;
      if (context.json) context.print(JSON.stringify(status));
      else for (const line of describe(status)) printAdvice(context, line);
    });
}

function* describe(status: ServerStatus): Iterable<string> {
  yield `posthaste ${status.version}, process ${status.pid}, running for ${duration(status.uptimeSeconds)}`;
  yield `configuration  ${status.configDirectory}`;
  yield `data           ${status.dataDirectory}`;
  for (const { name, address } of status.listeners) yield `listening      ${name.padEnd(12)} ${address}`;
  yield `connections    ${status.connections.smtp} SMTP, ${status.connections.imap} IMAP`;
  yield `queue          ${plural(status.queue.messages, 'message')}${status.queue.hold > 0 ? `, ${status.queue.hold} on hold` : ''}`;
  if (status.accounting) yield `accounting     ${describeAccounting(status.accounting)}`;
  const { lockouts = 0, alarms = [] } = status.defence ?? {};
  if (lockouts > 0) yield `locked out     ${lockouts}: see posthaste lockout list`;
  for (const { login, text } of alarms) yield `alarm          ${login}: ${text}`;
  yield `memory         ${Math.round(status.residentBytes / 1048576)} MiB`;
}

function describeAccounting({ entered, mismatch }: AccountingStatus): string {
  if (mismatch === 0) return `${plural(entered, 'recipient')} accepted, each of them accounted for`;
  return `ALARM: the books and the queue are ${plural(Math.abs(mismatch), 'recipient')} apart: see posthaste accounting`;
}

function duration(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${Math.floor(seconds % 60)} s`;
}
