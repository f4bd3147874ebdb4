// posthaste start: runs the server in the foreground until it is told to stop. The first start writes a
// configuration; every start prints what listens, where the data is, and what to type next.

import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { Directory } from '../directory/directory.ts';
import { systemClock } from '../lib/clock.ts';
import { releaseCompileCache } from '../lib/compile-cache.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { isKeptInJournal } from '../main/journal.ts';
import { openLog } from '../main/log-output.ts';
import { ListenError } from '../main/listeners.ts';
import { hostsNothing } from '../main/open-parts.ts';
import { ownCommand } from '../main/own-command.ts';
import { Server } from '../main/server.ts';
import { type Configuration, loadConfiguration } from '../settings/configuration.ts';
import { usualDataDirectory, writeFirstConfiguration } from '../settings/first-start.ts';
import { type CommandContext, CommandError } from './context.ts';
import { pageOrigin, setupLink } from './setup-address.ts';

export function register(program: Command, context: CommandContext): void {
  program
    .command('start')
    .description('run the server in the foreground; the first start creates what is missing')
    .addHelpText('after', '\nExamples:\n  posthaste start\n  posthaste -c /etc/posthaste start')
    .action(() => start(context));
}

export async function start(context: CommandContext): Promise<void> {
  releaseCompileCache();
  if (!fs.existsSync(path.join(context.configDirectory, 'main.cf'))) await writeFirst(context);
  const configuration = await loadConfiguration(context.configDirectory);
  refuseMistakes(configuration, context);
  let ended: (status: number) => void = () => {};
  const end = new Promise<number>((resolve) => {
    ended = resolve;
  });
  // A broken store: nothing in memory can be trusted to become durable, so nothing is tidied up either.
  const server = await open(configuration, context, () => process.exit(1));
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
  const command = ownCommand(configuration.directory);
  greet(server, context, command, await wayToPage(server, configuration, command));
  process.exit(await end);
}

async function open(configuration: Configuration, { asTyped }: CommandContext, onBroken: () => void): Promise<Server> {
  try {
    return await Server.start(configuration, onBroken, openLog(configuration.settings, asTyped));
  } catch (error) {
    if (error instanceof ListenError) throw new CommandError(error.message);
    throw error;
  }
}

async function writeFirst(context: CommandContext): Promise<void> {
  const dataDirectory = usualDataDirectory(context.configDirectory);
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

interface Way {
  /** Of the page. */
  readonly origin?: string;
  /** For a host without an administrator. */
  readonly setup?: string;
}

/**
 * The link to the first administrator is shown to whoever started the server, and not where the journal keeps what is
 * printed: many may read that.
 */
async function wayToPage({ directory, listeners }: Server, { settings }: Configuration, command: string): Promise<Way> {
  const origin = pageOrigin(listeners, settings.text('myhostname'));
  if (origin === undefined) return {};
  if (hasAdministrator(directory)) return { origin };
  if (isKeptInJournal())
    return { setup: `Set up this host in a browser, with the link that this prints: ${command} setup-link` };
  // Only a host without an administrator pays for it.
  const { makeSetupToken } = await import('../admin/setup-token.ts');
  const token = await makeSetupToken(directory, systemClock).catch((error: unknown) => {
    // The directory's server does not answer now: mail is served all the same.
    if (error instanceof TemporaryError) return undefined;
    throw error;
  });
  return token === undefined ? { origin } : { setup: `Set up this host in a browser: ${setupLink(origin, token)}` };
}

/** True also where that cannot be found out now: nothing is made on a guess. */
function hasAdministrator({ lookups }: Directory): boolean {
  try {
    return lookups.identities.hasHost();
  } catch (error) {
    if (error instanceof TemporaryError) return true;
    throw error;
  }
}

function greet(server: Server, context: CommandContext, command: string, { origin, setup }: Way): void {
  if (setup !== undefined) {
    context.print('');
    // A secret: not to where output is collected, but to where whoever started the server looks.
    context.warn(setup);
  }
  context.print('');
  context.print('Posthaste listens on');
  for (const { label, host, port } of server.listeners) {
    const shown = host.includes(':') ? `[${host}]` : host;
    context.print(`  ${label.padEnd(12)} ${port === 0 ? host : `${shown}:${port}`}`);
  }
  context.print('');
  context.print(`Configuration  ${context.configDirectory}`);
  context.print(`Data           ${server.dataDirectory}`);
  if (origin !== undefined) context.print(`Administration ${origin}`);
  context.print('');
  if (hostsNothing(server.directory)) {
    context.print('No domain is hosted yet. Set up in the browser, or in another terminal:');
    context.print(`  ${command} domain add example.com`);
    context.print(`  ${command} mailbox add anna@example.com`);
  } else {
    context.print('In another terminal:');
    for (const words of ['status', 'explain ADDRESS', '--help']) context.print(`  ${command} ${words}`);
  }
  context.print('');
  context.print('Ctrl-C ends it.');
  context.print('');
}
