// posthaste apply: makes the directory what a file says, whole or not at all, after showing what that would do to mail.

import type { Command } from 'commander';
import { type Applied, applyDesired, ApplyRefusedError } from '../interop/desired/apply.ts';
import { type DesiredState, readDesired } from '../interop/desired/read-desired.ts';
import { confirmMany } from './confirm.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { printDone } from './output.ts';
import { readInput } from './read-input.ts';
import { formatPlan } from './plan-lines.ts';
import { planChange } from './planner.ts';
import type { RemoteHost } from './remote-host.ts';
import type { Plan } from '../proof/plan/types.ts';

const examples = `
The file is what dump writes, or a part of it. What it does not name stays as it is; a field that is empty ("quota:")
gets its usual value. With --prune the file is the whole truth of the domains that it names: what is not written there
goes. Everything is one revision, which revert undoes; nothing is changed where anything in the file cannot be.

Examples:
  posthaste apply wanted.yaml --plan
  posthaste apply wanted.yaml
  posthaste dump --domain example.com | sed s/old/new/ | posthaste apply - --yes --prune`;

interface ApplyOptions {
  readonly yes?: true;
  readonly prune?: true;
  readonly plan?: true;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('apply')
    .description('make the directory what a file says')
    .argument('<file>', 'YAML as dump writes it; - is standard input')
    .option('--plan', 'only show what it would do')
    .option('--yes', 'without showing and asking')
    .option('--prune', 'take away what the file does not name in the domains that it names')
    .addHelpText('after', examples)
    .action((file: string, options: ApplyOptions) => apply(context, file, options));
}

async function apply(context: CommandContext, file: string, options: ApplyOptions): Promise<void> {
  const text = await readText(context, file);
  if (context.remote !== undefined) return await applyThere(context, context.remote, text, options);
  const desired = readDesired(text);
  const prune = options.prune === true;
  try {
    if (context.isTrial !== true && (options.yes === undefined || options.plan)) {
      const isSame = await showPlan(context, desired, prune, options.plan === true);
      if (isSame || options.plan) return;
      await confirmMany('Apply this?', false);
    }
    await withDirectory(context, false, async ({ directory, settings }) => {
      const options = { prune, restrictionClasses: settings.list('smtpd_restriction_classes') };
      const applied = await directory.whole(directory.actor, (view) => applyDesired(view, desired, options));
      tell(context, applied);
    });
  } catch (error) {
    if (!(error instanceof ApplyRefusedError)) throw error;
    for (const { line, column, text } of error.mistakes) context.warn(`${file}:${line}:${column}: ${text}`);
    const count = error.mistakes.length;
    throw new CommandError(`${file}: ${count === 1 ? 'a mistake' : `${count} mistakes`}; nothing was changed`);
  }
}

/** True where there is nothing to do. */
async function showPlan(
  context: CommandContext,
  desired: DesiredState,
  prune: boolean,
  isAll: boolean,
): Promise<boolean> {
  const plan = await planChange(context, {}, ({ directory, settings }) => {
    const restrictionClasses = settings.list('smtpd_restriction_classes');
    return applyDesired(directory, desired, { prune, restrictionClasses });
  });
  return tellPlan(context, plan, isAll);
}

function tellPlan(context: CommandContext, plan: Plan, isAll: boolean): boolean {
  if (isAll && context.json) context.print(JSON.stringify(plan));
  else {
    for (const line of formatPlan(plan)) {
      if (isAll) context.print(line);
      else context.warn(line);
    }
  }
  return plan.objectCount === 0;
}

/** By --host: the text is read there. */
async function applyThere(
  context: CommandContext,
  remote: RemoteHost,
  yaml: string,
  { prune, yes, plan: isAll = false }: { readonly prune?: true; readonly yes?: true; readonly plan?: boolean },
): Promise<void> {
  const wanted = { yaml, ...(prune ? { prune } : {}) };
  if (context.isTrial !== true && (yes === undefined || isAll)) {
    const isSame = tellPlan(context, await remote.call<Plan>('directory.plan', wanted), isAll);
    if (isSame || isAll) return;
    await confirmMany('Apply this?', false);
  }
  tell(context, await remote.call<Applied>('directory.apply', wanted));
}

function tell(context: CommandContext, applied: Applied): void {
  const { added, changed, removed, same, withoutPassword } = applied;
  const isNothing = added + changed + removed === 0;
  const words = isNothing ? 'nothing to change' : `${added} added, ${changed} changed, ${removed} removed`;
  printDone(context, `${words}, ${same} as before`, applied);
  if (withoutPassword.length === 0 || context.json) return;
  const shown = withoutPassword.slice(0, 5).join(', ') + (withoutPassword.length > 5 ? ' …' : '');
  context.warn(`nobody can log in yet to ${shown}: posthaste mailbox set ${withoutPassword[0]} --password`);
}

async function readText(context: CommandContext, file: string): Promise<string> {
  try {
    return await readInput(context, file);
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}`, 2);
  }
}
