// posthaste relay-recipient add|list|remove: the recipients of relay domains that take listed ones only.

import type { Command } from 'commander';
import type { RelayRecipientInfo } from '../directory/relay-recipients.ts';
import { addressArguments } from './address-arguments.ts';
import type { CommandContext } from './context.ts';
import { withDirectory } from './directory-session.ts';
import { type Column, formatTime, pages, printDone, printList } from './output.ts';
import { warnIfUnasked } from './unasked-table.ts';

const examples = `
A relay domain takes mail for every address until it is told to take listed recipients only; then the others are
refused at once instead of coming back from the server behind this one.

Examples:
  posthaste relay-recipient add anna@relay.example ben@relay.example
  posthaste relay-recipient add - < addresses.txt
  posthaste domain set relay.example --recipients listed
  posthaste relay-recipient list --domain relay.example
  posthaste relay-recipient remove ben@relay.example`;

export function register(program: Command, context: CommandContext): void {
  const group = program
    .command('relay-recipient')
    .description('the recipients of relay domains')
    .addHelpText('after', examples);
  group
    .command('add')
    .description('add recipients; - reads them from standard input, one a line')
    .argument('<addresses...>')
    .action((addresses: string[]) => add(context, addresses));
  group
    .command('list')
    .description('list the recipients')
    .option('--domain <domain>', 'of this domain only')
    .action((options: { domain?: string }) => list(context, options.domain));
  group
    .command('remove')
    .description('remove recipients; - reads them from standard input, one a line')
    .argument('<addresses...>')
    .action((addresses: string[]) => remove(context, addresses));
}

async function add(context: CommandContext, given: readonly string[]): Promise<void> {
  const addresses = await addressArguments(context, given);
  await withDirectory(context, false, async (session) => {
    const { directory } = session;
    const added = await directory.relayRecipients.add(addresses);
    const known = addresses.length - added.length;
    const sentence = `${added.length} added${known > 0 ? `, ${known} listed before` : ''}`;
    printDone(context, sentence, { added: added.map(({ address }) => address) });
    warnIfUnasked(context, session, 'relay-recipients');
    const domains = new Set(addresses.map((address) => address.slice(address.lastIndexOf('@') + 1).toLowerCase()));
    for (const domain of domains) {
      if (!(await directory.relayRecipients.isIdle(domain))) continue;
      context.warn(`${domain} takes mail for every address until: posthaste domain set ${domain} --recipients listed`);
    }
  });
}

const columns: readonly Column<RelayRecipientInfo>[] = [
  { title: 'RECIPIENT', text: (row) => row.address },
  { title: 'SINCE', text: (row) => formatTime(row.created) },
];

async function list(context: CommandContext, domain: string | undefined): Promise<void> {
  await withDirectory(context, true, async ({ directory }) => {
    const read = (after: string | undefined) =>
      directory.relayRecipients.list({
        ...(domain === undefined ? {} : { domain }),
        ...(after === undefined ? {} : { after }),
        limit: 500,
      });
    await printList(
      context,
      columns,
      pages(read, (row) => row.address),
      domain === undefined
        ? 'no recipient yet: add one with: posthaste relay-recipient add ADDRESS'
        : 'no such recipient',
    );
  });
}

async function remove(context: CommandContext, given: readonly string[]): Promise<void> {
  const addresses = await addressArguments(context, given);
  await withDirectory(context, false, async ({ directory }) => {
    await directory.relayRecipients.remove(addresses);
    printDone(context, `${addresses.length} removed`, { removed: addresses });
  });
}
