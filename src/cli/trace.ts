// posthaste trace QUEUEID | MESSAGE-ID | ADDRESS | CLIENT: what became of a message, from the connection to the last
// outcome. Read from the data folder, with or without a running server.

import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { TraceSearch } from '../trace/search.ts';
import { traceFolder } from '../trace/segments.ts';
import { makeStories, type Story } from '../trace/story.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlRequest } from './control.ts';
import type { RemoteHost } from './remote-host.ts';
import { formatStory } from './trace-story.ts';

const examples = `
Looks for a queue id, a message-id, an address (of a sender or of a recipient, as given or as it became), or a client's
name or IP address. Shows the newest first found, each from its connection on; refused mail too.

Examples:
  posthaste trace 4jWwJ04sK4zpbG2
  posthaste trace anna@example.com --since 2h
  posthaste trace '<1@example.net>' --since '2026-11-21 08:00'
  posthaste --json trace 192.0.2.7 --limit 100`;

const defaultLimit = 20;

interface TraceOptions {
  readonly since?: string;
  readonly limit?: string;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('trace')
    .description('what became of a message: every step of it, refusals included')
    .argument('<what>', 'a queue id, message-id, address or client')
    .option('--since <time>', 'not before: 30m, 2h, 3d, or a date with or without a time of day')
    .option('--limit <n>', `how many messages at most, the newest (${defaultLimit})`)
    .addHelpText('after', examples)
    .action((what: string, options: TraceOptions) => trace(context, what, options));
}

async function trace(context: CommandContext, what: string, options: TraceOptions): Promise<void> {
  if (what === '') throw new CommandError('name a queue id, a message-id, an address or a client', 2);
  const limit = Number(options.limit ?? defaultLimit);
  if (!Number.isInteger(limit) || limit < 1) throw new CommandError('--limit: a number above 0 is needed', 2);
  if (context.remote !== undefined) return await traceRemote(context, context.remote, what, options, limit);
  const configuration = await loadConfiguration(context.configDirectory);
  const days = configuration.settings.integer('posthaste_trace_days');
  const now = systemClock.now();
  const since = options.since === undefined ? 0 : parseSince(options.since, now);
  const dataDirectory = dataDirectoryOf(configuration);
  await controlRequest(dataDirectory, { command: 'trace-flush' }).catch(() => undefined);
  const folder = path.join(dataDirectory, traceFolder);
  if (!isReadable(folder)) {
    const off =
      days > 0 ? 'no message has come since the server was first started' : 'posthaste_trace_days = 0 keeps none';
    throw new CommandError(`there is no trace in ${dataDirectory}: ${off}`);
  }
  const found = new TraceSearch(folder).find({ text: what, since, limit });
  const stories = makeStories(found);
  if (stories.length === 0) {
    const when = options.since === undefined ? `the last ${days} days` : `the time since ${options.since}`;
    throw new CommandError(`nothing is known of ${what} in ${when}`);
  }
  printStories(context, stories, found.isCut, limit);
}

function printStories(context: CommandContext, stories: readonly Story[], isCut: boolean, limit: number): void {
  stories.forEach((story, index) => {
    if (context.json) context.print(JSON.stringify(story));
    else for (const line of [...(index > 0 ? [''] : []), ...formatStory(story)]) context.print(line);
  });
  if (isCut) context.warn(`these are the newest ${limit}; there is more: --limit ${limit * 10}, or --since`);
}

async function traceRemote(
  context: CommandContext,
  remote: RemoteHost,
  text: string,
  options: TraceOptions,
  limit: number,
): Promise<void> {
  const since = options.since === undefined ? {} : { since: parseSince(options.since, systemClock.now()) };
  type Found = { readonly items: readonly Story[]; readonly isCut: boolean };
  const { items, isCut } = await remote.call<Found>('trace.list', { text, limit, ...since });
  if (items.length === 0) throw new CommandError(`nothing is known of ${text}`);
  printStories(context, items, isCut, limit);
}

/** Throws where it is somebody else's. */
function isReadable(folder: string): boolean {
  try {
    fs.accessSync(folder, fs.constants.R_OK | fs.constants.X_OK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') return false;
    throw new CommandError(`${folder} belongs to another user: run this as root or as that user`);
  }
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Milliseconds since 1970; times of day are local. */
export function parseSince(text: string, now: number): number {
  const [, count, unit] = /^(\d+)([smhdw])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return now - Number(count) * (unitSeconds[unit] ?? 0) * 1000;
  const [, date, time = '00:00'] = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?))?$/.exec(text) ?? [];
  const moment = date === undefined ? Number.NaN : Date.parse(`${date}T${time}`);
  if (Number.isNaN(moment)) {
    throw new CommandError(`--since ${text}: say 30m, 2h, 3d, 2026-11-21 or '2026-11-21 08:00'`, 2);
  }
  return moment;
}
