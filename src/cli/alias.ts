// posthaste alias add|list|show|set|remove|restore: addresses that stand for others; @domain is the catch-all.

import type { Command } from 'commander';
import type { AliasInfo } from '../directory/alias-rows.ts';
import type { Directory } from '../directory/directory.ts';
import { confirm, type ConfirmOptions, namedBy, yesOption } from './confirm.ts';
import { type CommandContext, CommandError } from './context.ts';
import { warnOfUnknown, withDirectory } from './directory-session.ts';
import { type Column, formatTime, pages, printDone, printList, printObject } from './output.ts';

const examples = `
Examples:
  posthaste alias add sales@example.com anna@example.com ben@example.net
  posthaste alias add @example.com anna@example.com        whoever is not otherwise known there
  posthaste alias add anna@example.com anna@example.com ben@example.net     keeps a copy
  posthaste alias set sales@example.com --add carl@example.com
  posthaste alias remove sales@example.com`;

interface SetOptions {
  readonly add?: readonly string[];
  readonly drop?: readonly string[];
}

export function register(program: Command, context: CommandContext): void {
  const group = program
    .command('alias')
    .description('addresses that stand for other addresses')
    .addHelpText('after', examples);
  group
    .command('add')
    .description('make ADDRESS (or @domain, the catch-all) stand for the targets')
    .argument('<address>')
    .argument('<targets...>')
    .action((address: string, targets: string[]) => add(context, address, targets));
  group
    .command('list')
    .description('list the aliases')
    .option('--domain <domain>', 'of this domain only')
    .action((options: { domain?: string }) => list(context, options.domain));
  group
    .command('show')
    .description('show an alias')
    .argument('<address>')
    .action((address: string) => show(context, address));
  group
    .command('set')
    .description('replace the targets, or add and drop some')
    .argument('<address>')
    .argument('[targets...]')
    .option('--add <target...>', 'one more target')
    .option('--drop <target...>', 'a target less')
    .action((address: string, targets: string[], options: SetOptions) => set(context, address, targets, options));
  group
    .command('remove')
    .description('remove an alias; it can be restored for some time')
    .argument('<address>')
    .option(...yesOption)
    .action((address: string, options: ConfirmOptions) => remove(context, address, options));
  group
    .command('restore')
    .description('bring a removed alias back')
    .argument('<address>')
    .action((address: string) => restore(context, address));
}

async function add(context: CommandContext, address: string, targets: readonly string[]): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const info = await directory.aliases.add(address, targets);
    printDone(context, `${info.address} → ${info.targets.join(', ')}`, info);
    warnAbout(context, directory, info);
  });
}

/** What is allowed but seldom meant. */
function warnAbout(context: CommandContext, directory: Directory, info: AliasInfo): void {
  warnOfUnknown(context, directory, info.targets);
  const mailbox = info.address.startsWith('@') ? undefined : directory.mailboxByAddress(info.address);
  if (mailbox?.address !== info.address.toLowerCase()) return;
  if (info.targets.some((target) => target.toLowerCase() === mailbox.address)) return;
  context.warn(
    `mail no longer reaches the mailbox ${mailbox.address}; to keep a copy there: posthaste alias set ${mailbox.address} --add ${mailbox.address}`,
  );
}

const columns: readonly Column<AliasInfo>[] = [
  { title: 'ALIAS', text: (row) => row.address },
  { title: 'TARGETS', text: (row) => row.targets.join(', ') },
];

async function list(context: CommandContext, domain: string | undefined): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: string | undefined) =>
      directory.aliases.list({
        ...(domain === undefined ? {} : { domain }),
        ...(after === undefined ? {} : { after }),
        limit: 500,
      });
    const empty = 'no alias yet: add one with: posthaste alias add ADDRESS TARGET…';
    await printList(
      context,
      columns,
      pages(read, (row) => row.address),
      empty,
    );
  });
}

async function show(context: CommandContext, address: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const info = await directory.aliases.need(address);
    printObject(context, info, [
      ['alias', info.address],
      ...info.targets.map((target, index) => [index === 0 ? 'targets' : '', target] as const),
      ['created', formatTime(info.created)],
    ]);
  });
}

async function set(
  context: CommandContext,
  address: string,
  targets: readonly string[],
  options: SetOptions,
): Promise<void> {
  const changesSome = options.add !== undefined || options.drop !== undefined;
  if (changesSome === targets.length > 0) throw new CommandError('give the new targets, or --add and --drop', 2);
  await withDirectory(context, false, async ({ directory }) => {
    const info = changesSome
      ? await directory.aliases.edit(address, options.add ?? [], options.drop ?? [])
      : await directory.aliases.set(address, targets);
    printDone(context, `${info.address} → ${info.targets.join(', ')}`, info);
    warnAbout(context, directory, info);
  });
}

async function restore(context: CommandContext, address: string): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const info = await directory.aliases.restore(address);
    printDone(context, `${info.address} → ${info.targets.join(', ')}`, info);
    warnAbout(context, directory, info);
  });
}

async function remove(context: CommandContext, address: string, options: ConfirmOptions): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const { targets } = await directory.aliases.need(address);
    const what = [`it leads to ${targets.slice(0, 10).join(', ')}`, ...(await namedBy(directory, address))];
    await confirm(context, `Remove ${address}?`, what, options);
    await directory.aliases.remove(address);
    printDone(context, `${address} removed`, { address, removed: true });
  });
}
