// posthaste start: runs the server in the foreground until it is told to stop. The first start writes a
// configuration; every start prints what listens, where the data is, and what to type next.

import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { ListenError } from '../main/listeners.ts';
import { Server } from '../main/server.ts';
import { type Configuration, loadConfiguration } from '../settings/configuration.ts';
import { writeFirstConfiguration } from '../settings/first-start.ts';
import { type CommandContext, CommandError } from './context.ts';

export function register(program: Command, context: CommandContext): void {
  program
    .command('start')
    .description('run the server in the foreground; the first start creates what is missing')
    .addHelpText('after', '\nExamples:\n  posthaste start\n  posthaste -c /etc/posthaste start')
    .action(() => start(context));
}

export async function start(context: CommandContext): Promise<void> {
  const isFirst = !fs.existsSync(path.join(context.configDirectory, 'main.cf'));
  if (isFirst) await writeFirst(context);
  const configuration = await loadConfiguration(context.configDirectory);
  refuseMistakes(configuration, context);
  let ended: (status: number) => void = () => {};
  const end = new Promise<number>((resolve) => {
    ended = resolve;
  });
  // A broken store: nothing in memory can be trusted to become durable, so nothing is tidied up either.
  const server = await open(configuration, () => process.exit(1));
  const stop = () => {
    void server.stop().then(() => ended(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on(
    'SIGHUP',
    () => void server.reload().catch((error: unknown) => context.warn(`posthaste: reload: ${String(error)}`)),
  );
  server.whenStopped(() => ended(0));
  greet(server, context, isFirst);
  process.exit(await end);
}

async function open(configuration: Configuration, onBroken: () => void): Promise<Server> {
  try {
    return await Server.start(configuration, onBroken);
  } catch (error) {
    if (error instanceof ListenError) throw new CommandError(error.message);
    throw error;
  }
}

/** Below a checkout the configuration stands in data/etc and the data around it; elsewhere in /var/lib/posthaste. */
async function writeFirst(context: CommandContext): Promise<void> {
  const isCheckout = path.basename(context.configDirectory) === 'etc' && context.configDirectory !== '/etc';
  const dataDirectory = isCheckout ? path.dirname(context.configDirectory) : '/var/lib/posthaste';
  for (const file of await writeFirstConfiguration(context.configDirectory, { dataDirectory, loopback: true })) {
    context.print(`wrote ${file}`);
  }
}

function refuseMistakes({ findings }: Configuration, context: CommandContext): void {
  const mistakes = findings.filter((finding) => finding.severity === 'error');
  if (mistakes.length === 0) return;
  for (const { file, line, text } of mistakes) context.warn(`posthaste: ${file}:${line}: ${text}`);
  throw new CommandError('the configuration has mistakes: mend the lines above and start again');
}

function greet(server: Server, context: CommandContext, isFirst: boolean): void {
  context.print('');
  context.print('Posthaste listens on');
  for (const { label, host, port } of server.listeners) {
    const shown = host.includes(':') ? `[${host}]` : host;
    context.print(`  ${label.padEnd(12)} ${port === 0 ? host : `${shown}:${port}`}`);
  }
  context.print('');
  context.print(`Configuration  ${context.configDirectory}`);
  context.print(`Data           ${server.dataDirectory}`);
  context.print('');
  if (server.isEmpty) {
    context.print(isFirst ? 'Next, in another terminal:' : 'No domain is hosted yet. In another terminal:');
    context.print('  bin/posthaste domain add example.com');
    context.print('  bin/posthaste mailbox add anna@example.com');
    context.print('  bin/posthaste explain anna@example.com');
  } else {
    context.print('In another terminal: bin/posthaste status, bin/posthaste explain ADDRESS, bin/posthaste --help');
  }
  context.print('');
  context.print('Ctrl-C ends it.');
  context.print('');
}
