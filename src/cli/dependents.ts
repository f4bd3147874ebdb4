// posthaste dependents: what names an object, and would break or mean something else if it went.

import type { Command } from 'commander';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { wholeNumber } from './history.ts';

const defaultLimit = 20;

const examples = `
What would become of the mail says: posthaste plan -- mailbox remove anna@example.com

Examples:
  posthaste dependents anna@example.com
  posthaste dependents example.com --limit 100 --page 2`;

interface DependentsOptions {
  readonly limit?: string;
  readonly page?: string;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('dependents')
    .description('what would break if a domain or an address went')
    .argument('<object>', 'a domain, an address, @domain for a catch-all')
    .option('--limit <n>', `how many of each kind at most (${defaultLimit})`)
    .option('--page <n>', 'the following ones')
    .addHelpText('after', examples)
    .action((object: string, options: DependentsOptions) => dependents(context, object, options));
}

async function dependents(context: CommandContext, object: string, options: DependentsOptions): Promise<void> {
  if (object === '') throw new CommandError('name a domain or an address, as in: posthaste dependents example.com', 2);
  const limit = wholeNumber('--limit', options.limit) ?? defaultLimit;
  const offset = limit * ((wholeNumber('--page', options.page) ?? 1) - 1);
  await withDirectory(context, true, async ({ directory }) => {
    const needs = await directory.neededBy(object, { limit, offset });
    if (context.json) {
      context.print(JSON.stringify({ object, needs }));
      return;
    }
    if (needs.length === 0) context.print(`nothing names ${object}`);
    for (const { what, count, names } of needs) {
      context.print(`${what}: ${count}`);
      for (const name of names) context.print(`  ${name}`);
      if (offset + names.length < count) context.print(`  … and ${count - offset - names.length} more`);
    }
  });
}
