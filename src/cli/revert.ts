// posthaste revert: undoes a revision by a new one, whole or not at all.

import type { Command } from 'commander';
import type { Reverted } from '../directory/revert.ts';
import { confirmMany } from './confirm.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { wholeNumber } from './history.ts';
import { printDone } from './output.ts';
import { formatRevision } from './revision-lines.ts';

const examples = `
Undoes what was changed at once, by a new revision: nothing of the history is lost, and the revert can be reverted. Where
a later change stands in the way nothing is done, and it is named: revert that one first. Passwords are in no event, so
that a changed one stays as it is now. A removed mailbox comes back with its id and its mail while it can be restored.

Examples:
  posthaste history
  posthaste revert 42
  posthaste revert 42 --yes`;

interface RevertOptions {
  readonly yes?: true;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('revert')
    .description('undo a revision of the directory')
    .argument('<revision>', 'its number, as history shows it')
    .option('--yes', 'without asking')
    .addHelpText('after', examples)
    .action((revision: string, options: RevertOptions) => revert(context, revision, options));
}

async function revert(context: CommandContext, text: string, options: RevertOptions): Promise<void> {
  const revision = wholeNumber('the revision', text) as number;
  await withDirectory(context, false, async ({ directory }) => {
    const [found] = await directory.history({ revision });
    if (found === undefined) throw new CommandError(`there is no revision ${revision}: see: posthaste history`);
    if (options.yes === undefined) {
      for (const line of formatRevision(found)) context.warn(line);
      await confirmMany(`Undo these ${found.count} changes?`, context.isTrial === true);
    }
    const reverted = await directory.revert(revision);
    tell(context, reverted);
  });
}

function tell(context: CommandContext, reverted: Reverted): void {
  const { revision, count, notes } = reverted;
  printDone(context, `revision ${revision} is undone (${count} ${count === 1 ? 'change' : 'changes'})`, reverted);
  if (!context.json) for (const note of notes) context.warn(note);
}
