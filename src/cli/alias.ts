// posthaste alias add|list|show|set|remove|restore: addresses that stand for others; @domain is the catch-all.

import { type Command, Option } from 'commander';
import type { AliasInfo, AliasSettings } from '../directory/alias-rows.ts';
import type { Directory } from '../directory/directory.ts';
import { confirm, type ConfirmOptions, namedBy, yesOption } from './confirm.ts';
import type { PostingRule } from '../directory/schema.ts';
import { type CommandContext, CommandError } from './context.ts';
import { warnOfUnknown, withDirectory } from './directory-session.ts';
import { type Column, formatTime, pages, printDone, printList, printObject, yesNo } from './output.ts';
import { mayWrite } from './posting-words.ts';
import { addTagOptions, changesTags, changeTags, tagLines, taggedPages, type TagOptions } from './tag-options.ts';

const examples = `
Examples:
  posthaste alias add sales@example.com anna@example.com ben@example.net
  posthaste alias add @example.com anna@example.com        whoever is not otherwise known there
  posthaste alias add anna@example.com anna@example.com ben@example.net     keeps a copy
  posthaste alias set sales@example.com --add carl@example.com
  posthaste alias set sales@example.com --disable             as if it were not there
  posthaste alias set staff@example.com --post listed --poster boss@example.com --poster @example.net
  posthaste alias remove sales@example.com`;

interface PostOptions {
  readonly post?: PostingRule;
  readonly poster?: readonly string[];
}

interface SetOptions extends PostOptions, TagOptions {
  readonly add?: readonly string[];
  readonly drop?: readonly string[];
  readonly enable?: true;
  readonly disable?: true;
}

const post = (): Option =>
  new Option(
    '--post <who>',
    'who may write to it: anyone, members (whom it reaches), domain, listed (posters)',
  ).choices(['anyone', 'members', 'domain', 'listed']);

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
    .addOption(post())
    .option('--poster <address...>', 'who may write to it besides, or @domain, with --post listed')
    .action((address: string, targets: string[], options: PostOptions) => add(context, address, targets, options));
  group
    .command('list')
    .description('list the aliases')
    .option('--domain <domain>', 'of this domain only')
    .option('--tag <word>', 'with this tag only')
    .action((options: { domain?: string; tag?: string }) => list(context, options));
  group
    .command('show')
    .description('show an alias')
    .argument('<address>')
    .action((address: string) => show(context, address));
  const setting = group
    .command('set')
    .description('replace the targets, or add and drop some; say who may write to it')
    .argument('<address>')
    .argument('[targets...]')
    .option('--add <target...>', 'one more target')
    .option('--drop <target...>', 'a target less')
    .option('--enable', 'use it again')
    .option('--disable', 'as if it were not there')
    .addOption(post())
    .option('--poster <address...>', 'its posters from now on, or @domain; "" for none')
    .action((address: string, targets: string[], options: SetOptions) => set(context, address, targets, options));
  addTagOptions(setting);
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

async function add(
  context: CommandContext,
  address: string,
  targets: readonly string[],
  options: PostOptions,
): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const info = await directory.aliases.add(address, targets, postSettings(options));
    printDone(context, sentence(info), info);
    warnAbout(context, directory, info);
  });
}

function postSettings({ post: rule, poster }: PostOptions): AliasSettings {
  return { ...(rule === undefined ? {} : { post: rule }), ...(poster === undefined ? {} : { posters: poster }) };
}

function sentence(info: AliasInfo): string {
  return `${info.address} → ${targetsOf(info)}`;
}

function targetsOf(info: AliasInfo): string {
  const rest = [...(info.active ? [] : ['disabled']), ...(info.post === 'anyone' ? [] : [mayWrite(info)])];
  return `${info.targets.join(', ')}${rest.length === 0 ? '' : ` (${rest.join('; ')})`}`;
}

/** What is allowed but seldom meant. */
function warnAbout(context: CommandContext, directory: Directory, info: AliasInfo): void {
  warnOfUnknown(context, directory, info.targets);
  if (info.post === 'listed' && info.posters.length === 0) {
    context.warn(`nobody may write to ${info.address}: posthaste alias set ${info.address} --poster ADDRESS`);
  }
  if (!info.active) return;
  const mailbox = info.address.startsWith('@') ? undefined : directory.mailboxByAddress(info.address);
  if (mailbox?.address !== info.address.toLowerCase()) return;
  if (info.targets.some((target) => target.toLowerCase() === mailbox.address)) return;
  context.warn(
    `mail no longer reaches the mailbox ${mailbox.address}; to keep a copy there: posthaste alias set ${mailbox.address} --add ${mailbox.address}`,
  );
}

const columns: readonly Column<AliasInfo>[] = [
  { title: 'ALIAS', text: (row) => row.address },
  { title: 'TARGETS', text: targetsOf },
];

async function list(context: CommandContext, { domain, tag }: { domain?: string; tag?: string }): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: string | undefined) =>
      directory.aliases.list({
        ...(domain === undefined ? {} : { domain }),
        ...(after === undefined ? {} : { after }),
        limit: 500,
      });
    const empty =
      domain !== undefined || tag !== undefined
        ? 'no such alias'
        : 'no alias yet: add one with: posthaste alias add ADDRESS TARGET…';
    await printList(
      context,
      columns,
      tag === undefined
        ? pages(read, (row) => row.address)
        : taggedPages(directory, 'alias', { tag, domain }, (address) => directory.aliases.show(address)),
      empty,
    );
  });
}

async function show(context: CommandContext, address: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const info = await directory.aliases.need(address);
    const { tags, lines } = await tagLines(directory, 'alias', address);
    printObject(context, { ...info, tags }, [
      ['alias', info.address],
      ...info.targets.map((target, index) => [index === 0 ? 'targets' : '', target] as const),
      ['enabled', yesNo(info.active)],
      ['post', mayWrite(info)],
      ...lines,
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
  if (options.enable && options.disable) throw new CommandError('--enable and --disable contradict each other', 2);
  const changesSome = options.add !== undefined || options.drop !== undefined;
  if (changesSome && targets.length > 0) throw new CommandError('give the new targets, or --add and --drop', 2);
  const settings = {
    ...postSettings(options),
    ...(options.enable ? { active: true } : {}),
    ...(options.disable ? { active: false } : {}),
  };
  const isChanged = changesSome || targets.length > 0 || Object.keys(settings).length > 0;
  if (!isChanged && !changesTags(options)) {
    throw new CommandError(
      'nothing to change: give the new targets, or --add and --drop, --enable, --disable, --post, --poster or --tag',
      2,
    );
  }
  await withDirectory(context, false, async ({ directory: { aliases }, directory }) => {
    await changeTags(directory, 'alias', address, options);
    const { add: more = [], drop = [] } = options;
    const edit = () => (isChanged ? aliases.edit(address, more, drop, settings) : aliases.need(address));
    const info = targets.length > 0 ? await aliases.set(address, targets, settings) : await edit();
    printDone(context, sentence(info), info);
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
