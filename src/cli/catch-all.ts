// posthaste catch-all show|set|list|accept|refuse|forget: what becomes of names that nobody has, in a domain with a
// catch-all.

import { Argument, type Command, Option } from 'commander';
import type { CatchAllInfo, CaughtAddress } from '../directory/catch-alls.ts';
import type { CatchAllMode, CaughtState } from '../directory/schema.ts';
import { addressArguments } from './address-arguments.ts';
import type { CommandContext } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { type Column, formatTime, pages, printDone, printList, printObject } from './output.ts';

const examples = `
The catch-all of a domain is an alias: posthaste alias add @example.com anna@example.com. What it does with a name that
nobody has decided on:
  accept    take its mail
  propose   take its mail, and note the name for you to decide (posthaste catch-all list)
  refuse    refuse it: only accepted names are taken
A name that was accepted or refused keeps that in every mode; a refused one is an unknown user (550) from then on. A
decision is about the name without its extension: shop+anything goes with shop.

Examples:
  posthaste catch-all set example.com propose
  posthaste catch-all list --domain example.com --state proposed
  posthaste catch-all refuse newsletter-2019@example.com
  posthaste catch-all accept shop@example.com invoices@example.com
  posthaste catch-all forget shop@example.com
  posthaste explain newsletter-2019@example.com`;

export function register(program: Command, context: CommandContext): void {
  const group = program
    .command('catch-all')
    .description('what becomes of names that nobody has')
    .addHelpText('after', examples);
  group
    .command('show')
    .description("show a domain's catch-all, its mode and how many names are decided on")
    .argument('<domain>')
    .action((domain: string) => show(context, domain));
  group
    .command('set')
    .description('say what is done with names that nobody has decided on')
    .argument('<domain>')
    .addArgument(new Argument('<mode>').choices(['accept', 'propose', 'refuse']))
    .action((domain: string, mode: CatchAllMode) => set(context, domain, mode));
  group
    .command('list')
    .description('list the names that were seen or decided on')
    .option('--domain <domain>', 'of this domain only')
    .addOption(new Option('--state <state>', 'only these').choices(['proposed', 'accepted', 'refused']))
    .action((options: { domain?: string; state?: CaughtState }) => list(context, options));
  const decisions = [
    ['accept', 'take mail for these names; - reads them from standard input'],
    ['refuse', 'refuse mail for these names from now on (550); - reads them from standard input'],
    ['forget', 'as if these names had never been seen; - reads them from standard input'],
  ] as const;
  for (const [name, description] of decisions) {
    group
      .command(name)
      .description(description)
      .argument('<addresses...>')
      .action((addresses: string[]) => decide(context, name, addresses));
  }
}

async function show(context: CommandContext, domain: string): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const info = await directory.catchAlls.show(domain);
    printObject(context, info, [
      ['domain', info.domain],
      ['catch-all', info.targets.join(', ') || '(none)'],
      ['mode', info.mode],
      ['proposed', String(info.proposed)],
      ['accepted', String(info.accepted)],
      ['refused', String(info.refused)],
    ]);
    warnAbout(context, info);
  });
}

function warnAbout(context: CommandContext, info: CatchAllInfo): void {
  if (info.targets.length > 0 || context.json) return;
  context.warn(`${info.domain} has no catch-all: add one with: posthaste alias add @${info.domain} TARGET`);
}

async function set(context: CommandContext, domain: string, mode: CatchAllMode): Promise<void> {
  await withDirectory(context, false, async ({ directory }) => {
    await directory.domains.set(domain, { catchAllMode: mode });
    const info = await directory.catchAlls.show(domain);
    const what = { accept: 'takes', propose: 'takes and notes', refuse: 'refuses' }[mode];
    printDone(context, `the catch-all of ${info.domain} ${what} names that nobody has decided on`, info);
    warnAbout(context, info);
  });
}

const columns: readonly Column<CaughtAddress>[] = [
  { title: 'ADDRESS', text: (row) => row.address },
  { title: 'STATE', text: (row) => row.state },
  { title: 'MESSAGES', isNumber: true, text: (row) => String(row.messages) },
  { title: 'LAST', text: (row) => (row.lastSeen === 0 ? '-' : formatTime(row.lastSeen)) },
  { title: 'FIRST SENDER', text: (row) => (row.sender === '' && row.messages > 0 ? '<>' : row.sender) },
];

async function list(context: CommandContext, options: { domain?: string; state?: CaughtState }): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: string | undefined) =>
      directory.catchAlls.list({ ...options, ...(after === undefined ? {} : { after }), limit: 500 });
    const empty = 'no name has been seen or decided on (they are noted in mode propose: posthaste catch-all set)';
    await printList(
      context,
      columns,
      pages(read, (row) => row.address),
      empty,
    );
  });
}

async function decide(
  context: CommandContext,
  what: 'accept' | 'refuse' | 'forget',
  given: readonly string[],
): Promise<void> {
  const addresses = await addressArguments(context, given);
  await withDirectory(context, false, async ({ directory }) => {
    const { catchAlls } = directory;
    const decided = what === 'forget' ? await catchAlls.forget(addresses) : await catchAlls[what](addresses);
    const shown = addresses.length > 3 ? `${addresses.length} names` : addresses.join(', ');
    const done = { accept: 'accepted', refuse: 'refused from now on', forget: 'forgotten' }[what];
    printDone(context, `${shown} ${done}`, decided ?? { forgotten: addresses });
    const first = addresses[0] ?? '';
    const info = await catchAlls.show(first.slice(first.lastIndexOf('@') + 1));
    if (what !== 'forget') warnAbout(context, info);
  });
}
