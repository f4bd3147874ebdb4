// posthaste list add|list|show|set|remove|members: mailing lists.

import type { Command } from 'commander';
import { Option } from 'commander';
import type { ListInfo } from '../directory/list-rows.ts';
import type { PostingRule } from '../directory/schema.ts';
import { confirm, type ConfirmOptions, namedBy, yesOption } from './confirm.ts';
import { addressArguments } from './address-arguments.ts';
import { type CommandContext, CommandError } from './context.ts';
import { warnOfUnknown, withDirectory } from './directory-session.ts';
import { type Column, formatTime, pages, printDone, printList, printObject } from './output.ts';
import { mayWrite } from './posting-words.ts';
import { addTagOptions, changesTags, changeTags, tagLines, taggedPages, type TagOptions } from './tag-options.ts';

const examples = `
Examples:
  posthaste list add team@example.com --owner anna@example.com --member ben@example.com carl@example.net
  posthaste list set team@example.com --post listed --poster @example.com boss@example.net
  posthaste list members add team@example.com dora@example.org
  posthaste list members add team@example.com - < addresses
  posthaste list members list team@example.com
  posthaste list remove team@example.com

Mail to team@example.com goes to the members, from owner-team@example.com; that address and
team-request@example.com reach the owners, who may always write to the list.`;

const postingRules: readonly PostingRule[] = ['members', 'anyone', 'domain', 'listed'];
const postText =
  'who may write to it: its members, anyone, everybody of its domain, or those listed with --poster (default: members)';

interface SetOptions {
  readonly name?: string;
  readonly post?: PostingRule;
  readonly owner?: readonly string[];
  readonly poster?: readonly string[];
}

interface AddOptions extends SetOptions {
  readonly member?: readonly string[];
}

export function register(program: Command, context: CommandContext): void {
  const group = program.command('list').description('mailing lists').addHelpText('after', examples);
  const post = () => new Option('--post <who>', postText).choices(postingRules);
  group
    .command('add')
    .description('make a list')
    .argument('<address>')
    .requiredOption('--owner <address...>', 'who gets what cannot be delivered, and mail to its -request address')
    .option('--name <name>', 'what people call it')
    .addOption(post())
    .option('--poster <address...>', 'who may write besides the owners, with --post listed; @domain is everybody there')
    .option('--member <address...>', 'who gets its mail')
    .action((address: string, options: AddOptions) => add(context, address, options));
  group
    .command('list')
    .description('list the lists')
    .option('--domain <domain>', 'of this domain only')
    .option('--tag <word>', 'with this tag only')
    .action((options: { domain?: string; tag?: string }) => list(context, options));
  group
    .command('show')
    .description('show a list')
    .argument('<address>')
    .action((address: string) => show(context, address));
  const setting = group
    .command('set')
    .description('change a list')
    .argument('<address>')
    .option('--name <name>', 'what people call it')
    .addOption(post())
    .option('--owner <address...>', 'its owners from now on')
    .option('--poster <address...>', 'its posters from now on; "" for none')
    .action((address: string, options: SetOptions & TagOptions) => set(context, address, options));
  addTagOptions(setting);
  group
    .command('remove')
    .description('remove a list; it can be restored for some time')
    .argument('<address>')
    .option(...yesOption)
    .action((address: string, options: ConfirmOptions) => remove(context, address, options));
  group
    .command('restore')
    .description('bring a removed list back with its members')
    .argument('<address>')
    .action((address: string) => restore(context, address));
  registerMembers(group, context);
}

function registerMembers(group: Command, context: CommandContext): void {
  const members = group.command('members').description("a list's members");
  members
    .command('add')
    .description('add members; - reads them from standard input, one a line')
    .argument('<list>')
    .argument('<members...>')
    .action((address: string, given: string[]) => addMembers(context, address, given));
  members
    .command('remove')
    .description('remove members; - reads them from standard input, one a line')
    .argument('<list>')
    .argument('<members...>')
    .action((address: string, given: string[]) => removeMembers(context, address, given));
  members
    .command('list')
    .description('list the members')
    .argument('<list>')
    .action((address: string) => listMembers(context, address));
}

async function add(context: CommandContext, address: string, options: AddOptions): Promise<void> {
  await withDirectory(context, false, async ({ directory, settings }) => {
    const info = await directory.lists.add({
      address,
      ...settingsOf(options),
      owners: options.owner ?? [],
      ...(options.member === undefined ? {} : { members: options.member }),
    });
    printDone(context, `${info.address}: ${counted(info.members)}, ${mayWrite(info)}`, info);
    warnOfUnknown(context, directory, [...info.owners, ...(options.member ?? [])]);
    if (settings.text('transport_maps').includes('directory:transports')) return;
    context.warn('lists are not served: add directory:transports to transport_maps (posthaste postconf -e)');
  });
}

function settingsOf({ name, post, owner, poster }: SetOptions) {
  return {
    ...(name === undefined ? {} : { name }),
    ...(post === undefined ? {} : { post }),
    ...(owner === undefined ? {} : { owners: owner }),
    ...(poster === undefined ? {} : { posters: poster }),
  };
}

function counted(members: number): string {
  return `${members} ${members === 1 ? 'member' : 'members'}`;
}

const columns: readonly Column<ListInfo>[] = [
  { title: 'LIST', text: (row) => row.address },
  { title: 'NAME', text: (row) => row.name },
  { title: 'MEMBERS', isNumber: true, text: (row) => String(row.members) },
  { title: 'POST', text: (row) => row.post },
  { title: 'OWNERS', text: (row) => row.owners.join(', ') },
];

async function list(context: CommandContext, { domain, tag }: { domain?: string; tag?: string }): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: string | undefined) =>
      directory.lists.list({
        ...(domain === undefined ? {} : { domain }),
        ...(after === undefined ? {} : { after }),
        limit: 500,
      });
    const empty =
      domain !== undefined || tag !== undefined
        ? 'no such list'
        : 'no list yet: add one with: posthaste list add ADDRESS --owner ADDRESS';
    await printList(
      context,
      columns,
      tag === undefined
        ? pages(read, (row) => row.address)
        : taggedPages(directory, 'list', { tag, domain }, (address) => directory.lists.show(address)),
      empty,
    );
  });
}

async function show(context: CommandContext, address: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const info = await directory.lists.need(address);
    const { tags, lines } = await tagLines(directory, 'list', address);
    printObject(context, { ...info, tags }, [
      ['list', info.address],
      ['name', info.name || '(none)'],
      ['members', String(info.members)],
      ['post', mayWrite(info)],
      ...info.owners.map((owner, index) => [index === 0 ? 'owners' : '', owner] as const),
      ...lines,
      ['created', formatTime(info.created)],
    ]);
  });
}

async function set(context: CommandContext, address: string, options: SetOptions & TagOptions): Promise<void> {
  const settings = settingsOf(options);
  const isChanged = Object.keys(settings).length > 0;
  if (!isChanged && !changesTags(options)) {
    throw new CommandError('nothing to change: give --name, --post, --owner, --poster or --tag', 2);
  }
  await withDirectory(context, false, async ({ directory }) => {
    await changeTags(directory, 'list', address, options);
    const info = isChanged ? await directory.lists.set(address, settings) : await directory.lists.need(address);
    printDone(context, `${info.address} changed: ${mayWrite(info)}`, info);
    warnOfUnknown(context, directory, options.owner ?? []);
  });
}

async function restore(context: CommandContext, address: string): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const info = await directory.lists.restore(address);
    printDone(context, `${info.address} is back with ${counted(info.members)}`, info);
  });
}

async function remove(context: CommandContext, address: string, options: ConfirmOptions): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const { members } = await directory.lists.need(address);
    const what = [`it has ${counted(members)}`, ...(await namedBy(directory, address))];
    await confirm(context, `Remove ${address}?`, what, options);
    await directory.lists.remove(address);
    printDone(context, `${address} removed`, { address, removed: true });
  });
}

async function addMembers(context: CommandContext, address: string, given: readonly string[]): Promise<void> {
  const members = await addressArguments(context, given);
  await withDirectory(context, false, async ({ directory }) => {
    const added = await directory.lists.addMembers(address, members);
    const { members: all } = await directory.lists.need(address);
    printDone(context, `${address}: ${added} added, ${counted(all)}`, { address, added, members: all });
    warnOfUnknown(context, directory, members);
  });
}

async function removeMembers(context: CommandContext, address: string, given: readonly string[]): Promise<void> {
  const members = await addressArguments(context, given);
  await withDirectory(context, false, async ({ directory }) => {
    await directory.lists.removeMembers(address, members);
    const { members: all } = await directory.lists.need(address);
    printDone(context, `${address}: ${counted(all)}`, { address, members: all });
  });
}

async function listMembers(context: CommandContext, address: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    await directory.lists.need(address);
    const read = async (after: string | undefined) =>
      (await directory.lists.members(address, after)).map((member) => ({ member }));
    await printList(
      context,
      [{ title: 'MEMBER', text: ({ member }) => member }],
      pages(read, ({ member }) => member),
      `no member yet: add one with: posthaste list members add ${address} ADDRESS`,
    );
  });
}
