// posthaste plan: what a change of the directory would do to mail, before it is made.

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { type CommandContext, CommandError } from './context.ts';
import { formatPlan } from './plan-lines.ts';
import { defaultTraceDays, planChange } from './planner.ts';
import { PlannedChange } from './remote-host.ts';
import { type Plan, plannedAreas } from '../proof/plan/types.ts';

/** Commands that change the directory and nothing else: no other is run for a plan. */
const plannable = new Set([...plannedAreas, 'app-password', 'revert', 'apply']);

const examples = `
Makes the change in a transaction that is rolled back, and asks about every address that it may concern before and after:
which go elsewhere, with what reply, into which mailbox; what of that is dangerous; and which of the messages of the last
days would have gone another way. Nothing is changed; a running server is not disturbed.

Examples:
  posthaste plan -- domain set example.com --class alias
  posthaste plan -- alias add @example.com anna@example.com
  posthaste plan -- mailbox remove anna@example.com
  posthaste plan -- revert 42
  posthaste plan wanted.yaml                     what apply wanted.yaml would do
  posthaste plan --json --days 14 -- domain remove example.com --recursive`;

interface PlanOptions {
  readonly days: string;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('plan')
    .description('what a change would do to mail, before it is made')
    .argument('<what...>', 'a file for apply, or -- and a command that changes the directory')
    .option('--days <n>', 'how many days of the trace are looked at', String(defaultTraceDays))
    .addHelpText('after', examples)
    .action((what: string[], options: PlanOptions) => plan(context, what, options));
}

async function plan(context: CommandContext, words: readonly string[], options: PlanOptions): Promise<void> {
  const traceDays = Number(options.days);
  if (!Number.isInteger(traceDays) || traceDays < 0) throw new CommandError('--days: a number is needed', 2);
  const { run } = context;
  if (run === undefined) throw new Error('plan runs other commands');
  const [name = ''] = words;
  const isFile = words.length === 1 && !plannable.has(name) && (name === '-' || existsSync(name));
  const command = isFile ? ['apply', name] : words;
  if (!plannable.has(command[0] as string)) {
    throw new CommandError(
      `plan cannot try "${name}"${words.length === 1 ? ', and there is no such file' : ''}: it takes a file, or -- and one of ${[...plannable].join(', ')}`,
      2,
    );
  }
  const silent = { ...context, json: false, print: () => undefined, isTrial: true } as const;
  const planned =
    context.remote === undefined
      ? await planChange(context, { traceDays }, async (session) => await run(command, { ...silent, session }))
      : await planThere({ ...silent, remote: context.remote.planning() }, command, traceDays);
  if (context.json) context.print(JSON.stringify(planned));
  else for (const line of formatPlan(planned)) context.print(line);
}

/** A host elsewhere plans one change of its API: a command that needs two cannot be told whole. */
async function planThere(
  context: CommandContext & Required<Pick<CommandContext, 'remote'>>,
  command: readonly string[],
  traceDays: number,
): Promise<Plan> {
  if (traceDays !== defaultTraceDays) throw new CommandError('--days is for the host itself: run it there', 2);
  if (command.some((word) => /^--(?:tag|untag)(?:=|$)/.test(word))) {
    throw new CommandError('tags mean nothing to mail: leave --tag and --untag out of the plan', 2);
  }
  try {
    await context.run?.(command, context);
  } catch (error) {
    if (error instanceof PlannedChange) return error.plan;
    throw error;
  }
  throw new CommandError('that changes nothing');
}
