// posthaste history: who changed what in the directory, when, by revisions (what was changed at once), newest first.

import type { Command } from 'commander';
import { namesInEvents } from '../directory/history.ts';
import { systemClock } from '../lib/clock.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { drained, printAdvice } from './output.ts';
import { formatRevision } from './revision-lines.ts';
import { parseSince } from './trace.ts';

const defaultLimit = 20;

const examples = `
Without an object all changes; the newest first. Passwords are in no event, only that one was changed.

Examples:
  posthaste history
  posthaste history sales@example.com --since 7d
  posthaste history --actor anna --limit 100
  posthaste history --revision 42
  posthaste history --before 42        the page after the one that ended with revision 42`;

interface HistoryOptions {
  readonly since?: string;
  readonly actor?: string;
  readonly revision?: string;
  readonly before?: string;
  readonly limit?: string;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('history')
    .description('who changed what in the directory, when')
    .argument('[object]', 'a domain, an address, @domain for a catch-all, a setting')
    .option('--since <time>', 'not before: 30m, 2h, 3d, or a date with or without a time of day')
    .option('--actor <name>', 'only what this one has changed')
    .option('--revision <n>', 'this revision alone, whole')
    .option('--before <n>', 'only revisions before this one')
    .option('--limit <n>', `how many revisions at most (${defaultLimit})`)
    .addHelpText('after', examples)
    .action((object: string | undefined, options: HistoryOptions) => history(context, object, options));
}

async function history(context: CommandContext, object: string | undefined, options: HistoryOptions): Promise<void> {
  const limit = wholeNumber('--limit', options.limit) ?? defaultLimit;
  const revision = wholeNumber('--revision', options.revision);
  const before = wholeNumber('--before', options.before);
  const { actor } = options;
  const since = options.since === undefined ? undefined : parseSince(options.since, systemClock.now());
  await withDirectory(context, true, async ({ directory, isElsewhere }) => {
    // A host elsewhere looks for the names itself.
    const names = async (name: string) =>
      isElsewhere ? { object: name } : { objects: await namesInEvents(directory, name) };
    const revisions = await directory.history({
      ...(object === undefined ? {} : await names(object)),
      ...(actor === undefined ? {} : { actor }),
      ...(since === undefined ? {} : { since }),
      ...(revision === undefined ? {} : { revision }),
      ...(before === undefined ? {} : { before }),
      limit,
    });
    for (const [index, one] of revisions.entries()) {
      if (context.json) context.print(JSON.stringify(one));
      else for (const line of [...(index > 0 ? [''] : []), ...formatRevision(one)]) printAdvice(context, line);
      await drained();
    }
    if (revision !== undefined && revisions.length === 0) throw new CommandError(`there is no revision ${revision}`);
    if (revisions.length === 0 && !context.json) context.warn('no such change');
    if (revisions.length === limit && revision === undefined && !context.json) {
      context.warn(`there may be more: --before ${revisions.at(-1)?.revision}`);
    }
  });
}

export function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new CommandError(`${option}: a number above 0 is needed`, 2);
  return value;
}
