// `compare` for two configuration folders: asks both what becomes of every address that either knows, and of those
// beside them, as a stranger would; the same policy and router as the server's.

import { stripVTControlCharacters } from 'node:util';
import type { RecipientPolicy } from '../access/recipient-policy.ts';
import { plural } from '../lib/plural.ts';
import { candidateAddresses } from '../proof/candidate-addresses.ts';
import { type Configuration, loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { explainOne, openForExplaining, serviceSettings } from './explainer.ts';
import { type Explanation, formatExplanation } from './explanation-tree.ts';

interface Side {
  readonly configuration: Configuration;
  readonly policy: RecipientPolicy;
  readonly opened: Awaited<ReturnType<typeof openForExplaining>>;
}

const maxShown = 20;

export async function compareFolders(context: CommandContext, a: string, b: string): Promise<void> {
  const sides: Side[] = [];
  try {
    for (const folder of [a, b]) sides.push(await openSide(context, folder));
    await compareSides(context, sides as unknown as readonly [Side, Side]);
  } finally {
    for (const { opened } of sides) opened.close();
  }
}

async function openSide(context: CommandContext, folder: string): Promise<Side> {
  const configuration = await loadConfiguration(folder);
  const opened = await openForExplaining(configuration, context);
  const policy = opened.routing.policy(serviceSettings(configuration, undefined));
  await opened.routing.tables.ready();
  return { configuration, opened, policy };
}

async function compareSides(context: CommandContext, [first, second]: readonly [Side, Side]): Promise<void> {
  const compared = [first, second].map(({ opened }) => ({
    settings: opened.routing.settings,
    tables: opened.routing.tables,
  }));
  const { addresses, keys, untold } = await candidateAddresses(compared);
  const differing: string[] = [];
  for (const address of addresses) {
    const [one, other] = [await explainOne(first.policy, address, {}), await explainOne(second.policy, address, {})];
    if (outcomeOf(one) !== outcomeOf(other)) differing.push(address);
  }
  differing.sort((one, other) => one.length - other.length || (one < other ? -1 : 1));
  const [smallest] = differing;
  if (context.json) {
    context.print(JSON.stringify({ equal: smallest === undefined, keys, probes: addresses.length, untold, differing }));
  } else if (smallest === undefined) {
    context.print(`equal, ${plural(addresses.length, 'probe')}, ${plural(keys, 'key')}`);
    for (const name of untold)
      context.print(`  not proved: the keys of ${name} cannot be told, so only the probes say it`);
  } else {
    context.print(`different: ${smallest}`);
    for (const [name, side] of [
      ['A', first],
      ['B', second],
    ] as const) {
      context.print(`${name}  ${side.configuration.directory}`);
      const explanation = await explainOne(side.policy, smallest, {});
      for (const line of formatExplanation(smallest, explanation)) context.print(`   ${line}`);
    }
    const others = differing.slice(1, maxShown);
    if (others.length > 0) {
      context.print(
        `also ${others.join(', ')}${differing.length > maxShown ? `, … and ${differing.length - maxShown} more` : ''}`,
      );
    }
  }
  if (smallest !== undefined) throw new CommandError(`${differing.length} of ${addresses.length} addresses differ`);
}

/** What a client and the recipients notice; the order of deliveries is nobody's. */
function outcomeOf({ reply, deliveries }: Explanation): string {
  const copies = deliveries.map(({ recipient, transport, nexthop, path }) =>
    [recipient, transport, nexthop, path ?? ''].join('\n'),
  );
  return JSON.stringify([reply.code, reply.status, stripVTControlCharacters(reply.text), copies.toSorted()]);
}
