// posthaste alias-domain add|list|show|set|remove: names whose every address means the same address of another domain.

import type { Command } from 'commander';
import type { AliasDomainInfo } from '../directory/alias-domains.ts';
import { confirm, type ConfirmOptions, yesOption } from './confirm.ts';
import { type CommandContext, CommandError } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { type Column, formatTime, pages, printDone, printList, printObject, yesNo } from './output.ts';

const examples = `
Examples:
  posthaste alias-domain add example.org example.com     anna@example.org reaches anna@example.com
  posthaste alias-domain list
  posthaste alias-domain remove example.org`;

interface SetOptions {
  readonly target?: string;
  readonly enable?: true;
  readonly disable?: true;
}

export function register(program: Command, context: CommandContext): void {
  const group = program
    .command('alias-domain')
    .description('other names for hosted domains')
    .addHelpText('after', examples);
  group
    .command('add')
    .description('make NAME another name for TARGET')
    .argument('<name>')
    .argument('<target>', 'a hosted domain')
    .action((name: string, target: string) => add(context, name, target));
  group
    .command('list')
    .description('list the alias domains')
    .action(() => list(context));
  group
    .command('show')
    .description('show an alias domain')
    .argument('<name>')
    .action((name: string) => show(context, name));
  group
    .command('set')
    .description('change an alias domain')
    .argument('<name>')
    .option('--target <domain>', 'another hosted domain')
    .option('--enable', 'take its mail again')
    .option('--disable', 'refuse its mail as for unknown users')
    .action((name: string, options: SetOptions) => set(context, name, options));
  group
    .command('remove')
    .description('remove an alias domain; it can be restored for some time')
    .argument('<name>')
    .option(...yesOption)
    .action((name: string, options: ConfirmOptions) => remove(context, name, options));
  group
    .command('restore')
    .description('bring a removed alias domain back')
    .argument('<name>')
    .action((name: string) => restore(context, name));
}

async function add(context: CommandContext, name: string, target: string): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const info = await directory.aliasDomains.add(name, target);
    printDone(context, `${info.name} is another name for ${info.target}`, info);
  });
}

const columns: readonly Column<AliasDomainInfo>[] = [
  { title: 'ALIAS DOMAIN', text: (row) => row.name },
  { title: 'TARGET', text: (row) => row.target },
  { title: 'NOTE', text: (row) => (row.active ? '' : 'disabled') },
];

async function list(context: CommandContext): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: string | undefined) => directory.aliasDomains.list({ after: after ?? '', limit: 500 });
    const empty = 'no alias domain yet: add one with: posthaste alias-domain add example.org example.com';
    await printList(
      context,
      columns,
      pages(read, (row) => row.name),
      empty,
    );
  });
}

async function show(context: CommandContext, name: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const info = await directory.aliasDomains.show(name);
    if (!info) throw new CommandError(`${name} is not an alias domain: list them with: posthaste alias-domain list`);
    printObject(context, info, [
      ['alias domain', info.name],
      ['target', info.target],
      ['enabled', yesNo(info.active)],
      ['created', formatTime(info.created)],
    ]);
  });
}

async function set(context: CommandContext, name: string, options: SetOptions): Promise<void> {
  if (options.enable && options.disable) throw new CommandError('--enable and --disable contradict each other', 2);
  const settings = {
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(options.enable ? { active: true } : {}),
    ...(options.disable ? { active: false } : {}),
  };
  if (Object.keys(settings).length === 0)
    throw new CommandError('nothing to change: give --target, --enable or --disable', 2);
  await withDirectory(context, false, async ({ directory }) => {
    const info = await directory.aliasDomains.set(name, settings);
    printDone(context, `${info.name} changed`, info);
  });
}

async function restore(context: CommandContext, name: string): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const info = await directory.aliasDomains.restore(name);
    printDone(context, `${info.name} is another name for ${info.target} again`, info);
  });
}

async function remove(context: CommandContext, name: string, options: ConfirmOptions): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const target = (await directory.aliasDomains.show(name))?.target;
    const what = target === undefined ? [] : [`mail for all its addresses goes to ${target}`];
    await confirm(context, `Remove ${name}?`, what, options);
    await directory.aliasDomains.remove(name);
    printDone(context, `${name} is no longer an alias domain`, { name, removed: true });
  });
}
