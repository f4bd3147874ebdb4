// posthaste bcc add|list|set|remove: who gets a blind copy of the mail of a sender, or to a recipient.

import type { Command } from 'commander';
import type { BccInfo } from '../directory/bccs.ts';
import type { BccSide } from '../directory/schema.ts';
import { type CommandContext, CommandError } from './context.ts';
import { warnOfUnknown, withDirectory } from './directory-session.ts';
import { type Column, formatTime, pages, printDone, printList } from './output.ts';
import { warnIfUnasked } from './unasked-table.ts';

const examples = `
A place is an address, or @domain for all addresses of a domain; what is said of an address beats what is said of its
domain. One address gets the copy; several people are an alias. Addresses of an alias domain get the copies of its target's.

Examples:
  posthaste bcc add --sender sales@example.com archive@example.com
  posthaste bcc add --recipient @example.com archive@example.com
  posthaste bcc list --recipient
  posthaste bcc set --sender sales@example.com audit@example.com
  posthaste bcc remove --sender sales@example.com`;

interface Side {
  readonly sender?: true;
  readonly recipient?: true;
}

export function register(program: Command, context: CommandContext): void {
  const group = program.command('bcc').description('blind copies').addHelpText('after', examples);
  withSide(group.command('add'))
    .description('give ADDRESS a blind copy of the mail of (--sender) or to (--recipient) PLACE')
    .argument('<place>', 'an address, or @domain')
    .argument('<address>', 'who gets the copy')
    .action((place: string, address: string, side: Side) => add(context, sideOf(side), place, address));
  withSide(group.command('list'))
    .description('list the copies')
    .action((side: Side) => list(context, side.sender || side.recipient ? sideOf(side) : undefined));
  withSide(group.command('set'))
    .description('change who gets the copy')
    .argument('<place>')
    .argument('<address>')
    .action((place: string, address: string, side: Side) => set(context, sideOf(side), place, address));
  withSide(group.command('remove'))
    .description('end the copies')
    .argument('<place>')
    .action((place: string, side: Side) => remove(context, sideOf(side), place));
}

function withSide(command: Command): Command {
  return command.option('--sender', 'of mail that it sends').option('--recipient', 'of mail that it gets');
}

function sideOf({ sender, recipient }: Side): BccSide {
  if (sender === recipient) throw new CommandError('give --sender or --recipient', 2);
  return sender ? 'sender' : 'recipient';
}

async function add(context: CommandContext, side: BccSide, place: string, address: string): Promise<void> {
  await withDirectory(context, false, async (session) => {
    const info = await session.directory.bccs.add(side, place, address);
    printDone(context, sentence(info), info);
    warnOfUnknown(context, session.directory, [info.address]);
    warnIfUnasked(context, session, `${side}-bcc`);
  });
}

function sentence({ side, place, address }: BccInfo): string {
  return `${address} gets a copy of the mail ${side === 'sender' ? 'of' : 'to'} ${place}`;
}

const columns: readonly Column<BccInfo>[] = [
  { title: 'SIDE', text: (row) => row.side },
  { title: 'PLACE', text: (row) => row.place },
  { title: 'COPY TO', text: (row) => row.address },
  { title: 'SINCE', text: (row) => formatTime(row.created) },
];

async function list(context: CommandContext, side: BccSide | undefined): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: BccInfo | undefined) =>
      directory.bccs.list({
        ...(side === undefined ? {} : { side }),
        ...(after === undefined ? {} : { after }),
        limit: 500,
      });
    const empty = 'nobody gets blind copies: posthaste bcc add --sender|--recipient PLACE ADDRESS';
    await printList(
      context,
      columns,
      pages(read, (row) => row),
      empty,
    );
  });
}

async function set(context: CommandContext, side: BccSide, place: string, address: string): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    const info = await directory.bccs.set(side, place, address);
    printDone(context, sentence(info), info);
    warnOfUnknown(context, directory, [info.address]);
  });
}

async function remove(context: CommandContext, side: BccSide, place: string): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    await directory.bccs.remove(side, place);
    const of = side === 'sender' ? 'of' : 'to';
    printDone(context, `nobody gets a copy of the mail ${of} ${place}`, { side, place, removed: true });
  });
}
