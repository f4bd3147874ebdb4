// posthaste transport add|list|show|set|remove: where mail for addresses and for domains of others' goes instead of the
// usual way (transport(5)).

import type { Command } from 'commander';
import type { TransportInfo } from '../directory/transports.ts';
import { listTransport } from '../directory/list-lookups.ts';
import { parentsMatchFor } from '../routing/open-maps.ts';
import { type CommandContext, CommandError } from './context.ts';
import { type DirectorySession, withDirectory } from './directory-session.ts';
import { type Column, formatTime, pages, printDone, printList, printObject } from './output.ts';
import { warnIfUnasked } from './unasked-table.ts';

const examples = `
A PLACE is an address, a domain (of others': a domain that is hosted here has its own, posthaste domain set), .parent for
all domains below it, or * for everything that no other entry matches. The search is that of transport(5): the address, the
address without its extension, the domain, its parents from the nearest, *.

Examples:
  posthaste transport add partner.example smtp:[192.0.2.25]:587
  posthaste transport add .inside.example smtp:[192.0.2.1]
  posthaste transport add fax@example.com fax:
  posthaste transport add gone.example "error:5.1.2 this company is closed"
  posthaste transport show anna@mail.partner.example
  posthaste transport set partner.example smtp:
  posthaste transport remove partner.example`;

export function register(program: Command, context: CommandContext): void {
  const group = program
    .command('transport')
    .description('where mail goes instead of the usual way')
    .addHelpText('after', examples);
  group
    .command('add')
    .description('send mail for PLACE by TRANSPORT:NEXTHOP')
    .argument('<place>')
    .argument('<transport>', 'as smtp:[192.0.2.25]:587; ":" is the usual way')
    .option('--force', 'also where * or .parent takes the mail of domains with mailboxes')
    .action((place: string, transport: string, { force }: { force?: true }) => add(context, place, transport, force));
  group
    .command('list')
    .description('list the entries')
    .action(() => list(context));
  group
    .command('show')
    .description('show what applies to an address or a domain, and by which entry')
    .argument('<place>')
    .action((place: string) => show(context, place));
  group
    .command('set')
    .description('change an entry')
    .argument('<place>')
    .argument('<transport>')
    .action((place: string, transport: string) => set(context, place, transport));
  group
    .command('remove')
    .description('remove an entry')
    .argument('<place>')
    .action((place: string) => remove(context, place));
}

async function add(context: CommandContext, place: string, transport: string, force?: true): Promise<void> {
  await withDirectory(context, false, async (session) => {
    const info = await session.directory.transports.add(place, transport, { takesMailboxes: force === true });
    printDone(context, sentence(info), info);
    warnAbout(context, session, info);
  });
}

function sentence({ place, transport }: TransportInfo): string {
  return `mail for ${place} goes by ${transport}`;
}

/** What is allowed, but has no effect here or not the one that is meant. */
function warnAbout(context: CommandContext, session: DirectorySession, { place, transport }: TransportInfo): void {
  const { settings, services, directory, isElsewhere } = session;
  if (isElsewhere) return;
  warnIfUnasked(context, session, 'transport');
  const name = transport.slice(0, transport.indexOf(':'));
  const isKnown = services.some((service) => service.type === 'unix' && service.name === name);
  if (name !== '' && name !== listTransport && !isKnown) {
    context.warn(`there is no service ${name} in master.cf: the mail is deferred until there is one`);
  }
  if (place.startsWith('.') && parentsMatchFor(settings, 'transport_maps')) {
    const domain = place.slice(1);
    context.warn(`${place} is never asked for with this parent_domain_matches_subdomains: write ${domain}`);
  }
  if (!place.includes('@') || /^(error|retry|discard):/.test(transport)) return;
  for (const address of directory.unknownTargets([place])) {
    context.warn(`${address} does not exist, so its mail is refused: posthaste mailbox add ${address}`);
  }
}

const columns: readonly Column<TransportInfo>[] = [
  { title: 'PLACE', text: (row) => row.place },
  { title: 'TRANSPORT', text: (row) => row.transport },
  { title: 'SINCE', text: (row) => formatTime(row.created) },
];

async function list(context: CommandContext): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: string | undefined) =>
      directory.transports.list({ ...(after === undefined ? {} : { after }), limit: 500 });
    const empty = 'no transport beyond those of the hosted domains: posthaste transport add PLACE TRANSPORT:NEXTHOP';
    await printList(
      context,
      columns,
      pages(read, (row) => row.place),
      empty,
    );
  });
}

async function show(context: CommandContext, place: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const answer = directory.transports.answer(place);
    if (answer === undefined) {
      throw new CommandError(`no entry applies to ${place}: its mail goes the usual way (posthaste explain ADDRESS)`);
    }
    printObject(context, { place, ...answer }, [
      ['place', place],
      ['transport', answer.transport],
      ['entry', answer.key],
      ['from', answer.source],
    ]);
  });
}

async function set(context: CommandContext, place: string, transport: string): Promise<void> {
  await withDirectory(context, false, async (session) => {
    const info = await session.directory.transports.set(place, transport);
    printDone(context, sentence(info), info);
    warnAbout(context, session, info);
  });
}

async function remove(context: CommandContext, place: string): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    await directory.transports.remove(place);
    printDone(context, `mail for ${place} goes the usual way again`, { place, removed: true });
  });
}
