// posthaste lockout list|remove, alarm list|remove: who may not log in for now, and which users send as they never do.
// Asked of the running server, which has it in memory.

import type { Command } from 'commander';
import type { Alarm } from '../defence/abuse-alarm.ts';
import type { Lockout } from '../defence/lockouts.ts';
import type { FailedLogin } from '../defence/recent-failures.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlRequest, type DefenceRequest } from './control.ts';
import type { RemoteHost } from './remote-host.ts';
import { type Column, formatTime, printDone, printList } from './output.ts';

const lockoutExamples = `
Examples:
  posthaste lockout list
  posthaste lockout remove 192.0.2.7
  posthaste lockout remove anna@example.com
  posthaste lockout remove --all`;

const alarmExamples = `
Mail that posthaste_alarm_hold has put on hold stays there: look at it with posthaste queue list, and release it.

Examples:
  posthaste alarm list
  posthaste alarm remove anna@example.com
  posthaste alarm remove --all`;

export function register(program: Command, context: CommandContext): void {
  const lockout = program
    .command('lockout')
    .description('addresses, networks and accounts that may not log in for now')
    .addHelpText('after', lockoutExamples);
  lockout
    .command('list')
    .description('list the lock-outs')
    .action(() => list(context, 'lockouts', lockoutColumns, 'nobody is locked out'));
  lockout
    .command('failures')
    .description('list the last failed logins since the server was started')
    .action(() => list(context, 'lockout-failures', failureColumns, 'no login has failed'));
  lockout
    .command('remove')
    .description('lift a lock-out: of an address, a network or an account')
    .argument('[subject]')
    .option('--all', 'every one')
    .action((subject: string | undefined, { all }: { all?: true }) => remove(context, 'lockout', subject, all));
  const alarm = program
    .command('alarm')
    .description('users who send as they never do')
    .addHelpText('after', alarmExamples);
  alarm
    .command('list')
    .description('list the alarms')
    .action(() => list(context, 'alarms', alarmColumns, 'no alarm'));
  alarm
    .command('remove')
    .description('end the alarms about a user')
    .argument('[user]')
    .option('--all', 'every one')
    .action((user: string | undefined, { all }: { all?: true }) => remove(context, 'alarm', user, all));
}

const lockoutColumns: readonly Column<Lockout>[] = [
  { title: 'KIND', text: ({ kind }) => (kind === 'account-network' ? 'account' : kind) },
  { title: 'WHO', text: ({ subject }) => subject.replaceAll(/[^\x20-\x7e]/g, '?') },
  { title: 'SINCE', text: ({ since }) => formatTime(since) },
  { title: 'UNTIL', text: ({ until }) => formatTime(until) },
  { title: 'TIMES', isNumber: true, text: ({ times }) => String(times) },
];

const failureColumns: readonly Column<FailedLogin>[] = [
  { title: 'ACCOUNT', text: ({ account }) => account.replaceAll(/[^\x20-\x7e]/g, '?') },
  { title: 'FROM', text: ({ address }) => address },
  { title: 'BY', text: ({ protocol }) => protocol },
  { title: 'LAST', text: ({ last }) => formatTime(last) },
  { title: 'TIMES', isNumber: true, text: ({ times }) => String(times) },
];

const alarmColumns: readonly Column<Alarm>[] = [
  { title: 'USER', text: ({ login }) => login.replaceAll(/[^\x20-\x7e]/g, '?') },
  { title: 'SINCE', text: ({ since }) => formatTime(since) },
  { title: 'WHY', text: ({ text }) => text },
];

async function ask(context: CommandContext, request: DefenceRequest): Promise<unknown> {
  if (context.remote !== undefined) return await askRemote(context.remote, request);
  return await controlRequest(dataDirectoryOf(await loadConfiguration(context.configDirectory)), request);
}

async function askRemote(remote: RemoteHost, { command, subject }: DefenceRequest): Promise<unknown> {
  const area = command.startsWith('lockout') ? 'lockout' : 'alarm';
  const key = area === 'lockout' ? 'subject' : 'login';
  type Entry = Readonly<Record<string, string>>;
  if (command === 'lockout-failures') return (await remote.call<{ items: unknown }>('lockout.failures')).items;
  const listed = (await remote.call<{ items: readonly Entry[] }>(`${area}.list`)).items;
  if (!command.endsWith('-remove')) return listed;
  const wanted = listed.map((one) => one[key]).filter((one) => subject === undefined || one === subject);
  const ended: unknown[] = [];
  for (const one of new Set(wanted)) {
    ended.push(...(await remote.call<{ items: readonly unknown[] }>(`${area}.remove`, { [key]: one })).items);
  }
  return ended;
}

async function list<Row extends object>(
  context: CommandContext,
  command: 'lockouts' | 'alarms' | 'lockout-failures',
  columns: readonly Column<Row>[],
  emptyText: string,
): Promise<void> {
  const rows = (await ask(context, { command })) as Row[];
  const page = async function* () {
    yield rows;
  };
  await printList(context, columns, page(), emptyText);
}

async function remove(
  context: CommandContext,
  what: 'lockout' | 'alarm',
  subject: string | undefined,
  all: true | undefined,
): Promise<void> {
  if ((subject === undefined) === (all === undefined))
    throw new CommandError(`name one, or --all: see posthaste ${what} list`, 2);
  const request: DefenceRequest = { command: `${what}-remove`, ...(subject === undefined ? {} : { subject }) };
  const removed = (await ask(context, request)) as object[];
  if (subject !== undefined && removed.length === 0) {
    throw new CommandError(`there is no ${what} of ${subject}: see posthaste ${what} list`);
  }
  printDone(context, `${removed.length} ${what}${removed.length === 1 ? '' : 's'} removed`, { removed });
}
