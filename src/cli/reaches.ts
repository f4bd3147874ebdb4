// posthaste reaches: which addresses' mail ends in a mailbox or at an address, and who may send as it. Found backwards along
// aliases, alias domains, forwards and lists, and then asked forwards of the resolver, so that nothing is said that is not so.

import type { Command } from 'commander';
import type { Directory } from '../directory/directory.ts';
import { type ReachingAddress, reachingAddresses } from '../admin/reaching.ts';
import { loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { explainOne, openForExplaining, serviceSettings } from './explainer.ts';
import { wholeNumber } from './history.ts';

const defaultLimit = 100;

const examples = `
Of a catch-all and of extensions the whole class is told, as "*@example.com". A list is told where the address is a member:
its mail comes by the list.

Examples:
  posthaste reaches anna@example.com
  posthaste --json reaches anna@example.com --limit 1000`;

interface ReachesOptions {
  readonly limit?: string;
  readonly page?: string;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('reaches')
    .description('which addresses reach a mailbox, and who may send as it')
    .argument('<address>')
    .option('--limit <n>', `how many addresses at most (${defaultLimit})`)
    .option('--page <n>', 'the following ones')
    .addHelpText('after', examples)
    .action((address: string, options: ReachesOptions) => reaches(context, address, options));
}

async function reaches(context: CommandContext, given: string, options: ReachesOptions): Promise<void> {
  const limit = wholeNumber('--limit', options.limit) ?? defaultLimit;
  const page = wholeNumber('--page', options.page) ?? 1;
  if (!given.includes('@')) {
    throw new CommandError(
      `"${given}" has no domain: write the whole address, as in ${given || 'user'}@example.com`,
      2,
    );
  }
  const configuration = await loadConfiguration(context.configDirectory);
  const opened = await openForExplaining(configuration, context);
  try {
    const { directory } = opened;
    if (directory === undefined) throw new CommandError('there is no directory: run "posthaste start" first');
    const address = directory.mailboxByAddress(given)?.address ?? given.toLowerCase();
    const policy = opened.routing.policy(serviceSettings(configuration, undefined));
    await opened.routing.tables.ready();
    const question = { address, from: (page - 1) * limit, limit };
    const { rows, isCut } = await reachingAddresses(directory, question, (one) => explainOne(policy, one, {}));
    tell(context, address, rows, directory);
    if (isCut && !context.json) context.warn(`there is more: --page ${page + 1}, or a larger --limit`);
  } finally {
    opened.close();
  }
}

const words: Readonly<Record<ReachingAddress['by'], string>> = {
  own: 'itself',
  alias: 'alias',
  'catch-all': 'catch-all',
  'alias-domain': 'alias domain',
  forward: 'forward of a mailbox',
  list: 'member of the list',
  'list-owner': 'owner of the list',
};

function tell(context: CommandContext, address: string, rows: readonly ReachingAddress[], directory: Directory): void {
  const answer = address.includes('@') ? directory.senderRights.answer(address) : undefined;
  if (context.json) {
    context.print(
      JSON.stringify({ address, reaching: rows, maySend: answer?.allowed ?? [], denied: answer?.denied ?? [] }),
    );
    return;
  }
  context.print(`mail for these addresses reaches ${address}:`);
  for (const { address: one, by, arrives } of rows) {
    context.print(
      `  ${one}  (${words[by]}${arrives ? '' : '; points here, but its mail goes elsewhere or is refused'})`,
    );
  }
  const senders = answer?.allowed ?? [];
  if (senders.length === 0) context.print(`nobody is known who may send as ${address}`);
  for (const { login, because } of senders) context.print(`may send as it: ${login} (${because})`);
}
