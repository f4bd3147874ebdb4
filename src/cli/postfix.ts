// posthaste postfix: the commands of postfix(1) that scripts and packages call, for this server: start, stop, reload,
// status, check, flush, with Postfix's words and exit statuses. What has no counterpart here is refused with the reason.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlRequest } from './control.ts';
import { checkInstallation } from './postfix-check.ts';
import type { ServerStatus } from './server-status.ts';
import { registerTool } from './tool.ts';
import { parseToolOptions, usageError } from './tool-options.ts';

/** As Postfix's own messages begin, which come from its postfix-script. */
const script = 'postfix/postfix-script';

const syntax = {
  tool: 'postfix',
  letters: 'c:Dv',
  usage: '[-c config_dir] [-Dv] command',
};

const help = `
Commands: start, start-fg (in the foreground), stop, abort (as stop), reload, status, check, flush.

Examples:
  posthaste postfix status
  posthaste postfix check && posthaste postfix reload
  posthaste -c /etc/posthaste postfix start`;

export const postfixCommands = ['start', 'start-fg', 'stop', 'abort', 'reload', 'status', 'check', 'flush'] as const;

const refused: Readonly<Record<string, string>> = {
  logrotate: 'rename the file: the server notices a rotated maillog_file within a second',
  'set-permissions': 'the server keeps the permissions of its own files; `postfix check` tells of others',
  'upgrade-configuration': 'nothing is added to main.cf or master.cf by an upgrade',
  tls: 'set smtpd_tls_cert_file with `postconf -e`; without it a certificate is made',
  drain: 'use stop: what is being received is ended, nothing accepted is lost',
  'quick-stop': 'use stop',
};

export function register(program: Command, context: CommandContext): void {
  registerTool(program, context, {
    name: 'postfix',
    description: 'start, stop, reload, status, check and flush, as postfix(1) has them',
    help,
    run,
  });
}

async function run(given: CommandContext, args: readonly string[]): Promise<void> {
  const options = parseToolOptions(syntax, args);
  const named = options.value('c');
  const context = named === undefined ? given : { ...given, configDirectory: path.resolve(named) };
  const [command, ...rest] = options.operands;
  if (command === undefined) throw usageError(syntax);
  const why = refused[command];
  if (why !== undefined) throw scriptFatal(`${command} is not supported: ${why}`);
  if (rest.length > 0) throw usageError(syntax);
  switch (command) {
    case 'start':
      return start(context);
    case 'start-fg':
      return startForeground(context);
    case 'stop':
    case 'abort':
      return stop(context, command === 'abort' ? 'aborting' : 'stopping');
    case 'reload':
      return reload(context);
    case 'status':
      return status(context);
    case 'check':
      return checkInstallation(context, await loadConfiguration(context.configDirectory));
    case 'flush':
      await askRunning(context, { command: 'queue-flush' });
      return;
    default:
      throw scriptFatal(`unknown command: '${command}'. Usage: postfix ${postfixCommands.join(' | ')}`);
  }
}

function scriptFatal(text: string): CommandError {
  return new CommandError(`fatal: ${text}`, 1, script);
}

async function dataDirectory(context: CommandContext): Promise<string> {
  return dataDirectoryOf(await loadConfiguration(context.configDirectory));
}

/** Undefined where no server runs. */
async function findServer(directory: string): Promise<ServerStatus | undefined> {
  try {
    return (await controlRequest(directory, { command: 'status' })) as ServerStatus;
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === 75) return undefined;
    throw error;
  }
}

async function askRunning(context: CommandContext, request: Parameters<typeof controlRequest>[1]): Promise<unknown> {
  const directory = await dataDirectory(context);
  if ((await findServer(directory)) === undefined) throw scriptFatal('the Postfix mail system is not running');
  return controlRequest(directory, request);
}

async function status(context: CommandContext): Promise<void> {
  const server = await findServer(await dataDirectory(context));
  if (server === undefined) throw new CommandError('the Postfix mail system is not running', 1, script);
  context.warn(`${script}: the Postfix mail system is running: PID: ${server.pid}`);
}

async function reload(context: CommandContext): Promise<void> {
  const directory = await dataDirectory(context);
  if ((await findServer(directory)) === undefined) throw scriptFatal('the Postfix mail system is not running');
  context.warn(`${script}: refreshing the Postfix mail system`);
  const warnings = (await controlRequest(directory, { command: 'reload' })) as readonly string[];
  for (const warning of warnings) context.warn(`${script}: warning: ${warning}`);
}

/** Clients get 421 and queued mail stays; after this long the server is left to end by itself. */
const stopSeconds = 10;

async function stop(context: CommandContext, doing: string): Promise<void> {
  const directory = await dataDirectory(context);
  if ((await findServer(directory)) === undefined) throw scriptFatal('the Postfix mail system is not running');
  context.warn(`${script}: ${doing} the Postfix mail system`);
  await controlRequest(directory, { command: 'stop' });
  for (let waited = 0; waited < stopSeconds * 10; waited++) {
    if ((await findServer(directory)) === undefined) return;
    if (waited === 10) context.warn(`${script}: waiting for the Postfix mail system to terminate`);
    await sleep(100);
  }
  context.warn(`${script}: warning: the Postfix mail system has not terminated yet`);
}

async function startForeground(context: CommandContext): Promise<void> {
  const { start: startServer } = await import('./start.ts');
  await startServer(context);
}

/** A busy disk, a big queue. */
const startSeconds = 60;

async function start(context: CommandContext): Promise<void> {
  const configuration = await loadConfiguration(context.configDirectory);
  const directory = dataDirectoryOf(configuration);
  if ((await findServer(directory)) !== undefined) throw scriptFatal('the Postfix mail system is already running');
  await checkInstallation(context, configuration);
  context.warn(`${script}: starting the Postfix mail system`);
  const output = path.join(directory, 'posthaste.log');
  const file = openOutput(output, directory);
  const before = statSync(output).size;
  const child = spawn(process.execPath, [...process.execArgv, mainProgram(), '-c', context.configDirectory, 'start'], {
    detached: true,
    stdio: ['ignore', file, file],
  });
  closeSync(file);
  let ended: number | undefined;
  child.once('exit', (code) => {
    ended = code ?? 1;
  });
  for (let waited = 0; waited < startSeconds * 10 && ended === undefined; waited++) {
    if ((await findServer(directory)) !== undefined) {
      child.unref();
      return;
    }
    await sleep(100);
  }
  for (const line of readFileSync(output).subarray(before).toString().split('\n').slice(-10))
    if (line !== '') context.warn(line);
  throw scriptFatal(`mail system startup failed; see ${output}`);
}

/** What the server prints when its log goes to standard output. */
function openOutput(file: string, directory: string): number {
  try {
    return openSync(file, 'a', 0o640);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const advice = code === 'ENOENT' ? `${directory} does not exist: run \`posthaste start\` once` : message;
    throw scriptFatal(advice);
  }
}

function mainProgram(): string {
  // The build turns .ts into .js but leaves strings alone.
  const name = import.meta.url.endsWith('.ts') ? 'main.ts' : 'main.js';
  return path.resolve(import.meta.dirname, '..', 'main', name);
}
