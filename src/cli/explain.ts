// posthaste explain: where will mail for this address go, and why? The same policy and router as the server's, with
// a trace; works whether a server runs or not, for any folder with a main.cf, and writes nothing.

import { isIP } from 'node:net';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { type Configuration, loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { explainSender, formatSender, senderService } from './explain-sender.ts';
import { type Explanation, formatExplanation } from './explanation-tree.ts';
import type { RemoteHost } from './remote-host.ts';
import { whyNot } from '../proof/why-not.ts';
import { flowFacts, formatEdges, toldFlow, whyNotFacts } from './explained.ts';
import { formatWhyNot } from './why-not.ts';
import {
  explainOne,
  type ExplainOptions,
  openForExplaining,
  parseMoment,
  serviceSettings,
  withFilters,
} from './explainer.ts';

interface Options extends ExplainOptions {
  readonly at?: string;
  readonly whyNot?: string;
  readonly reaches?: string;
  readonly edges?: boolean;
}

const examples = `
Examples:
  posthaste explain anna@example.com
  posthaste explain --sender bob@example.com --login bob@example.com --service submission carol@elsewhere.org
  posthaste explain --login bob@example.com --sender sales@example.com
  posthaste explain --why-not sales@example.com --reaches bert@example.com
  posthaste explain --at 4dhRlh0009zSyXh sales@example.com
  posthaste explain --at 42 sales@example.com             after revision 42 of: posthaste history
  posthaste explain --at 2026-11-01T12:00 sales@example.com
  posthaste explain --json --client 192.0.2.7 anna@example.com info@example.com
  posthaste -c /etc/postfix explain - < addresses.txt`;

export function register(program: Command, context: CommandContext): void {
  program
    .command('explain')
    .description('show where mail for an address goes, and why; without one, whether --login may send as --sender')
    .argument('[address...]', 'recipients; - reads them from standard input, one a line')
    .option('--sender <address>', 'the envelope sender; "" is the null sender')
    .option('--client <ip>', 'the address of the client; a stranger without it')
    .option('--client-name <name>', 'its confirmed name in the DNS; unknown without it')
    .option('--helo <name>', 'what the client says at EHLO')
    .option('--login <user>', 'who is logged in; nobody without it')
    .option('--service <name>', 'the service of master.cf that is asked, as submission; the first smtpd without it')
    .option('--at <moment>', 'the directory as it was: after a revision, when a queue id was given, or at a time')
    .option('--why-not <address>', 'what keeps mail for this address from a mailbox')
    .option('--edges', 'also each line of the way: from which address to which, and by which row')
    .option('--reaches <mailbox>', 'the mailbox that --why-not means')
    .addHelpText('after', examples)
    .action((addresses: string[], options: Options) => explain(context, addresses, options));
}

async function explain(context: CommandContext, addresses: readonly string[], options: Options): Promise<void> {
  const { whyNot: question, reaches } = options;
  if ((question === undefined) !== (reaches === undefined)) {
    throw new CommandError('explain: --why-not ADDRESS and --reaches MAILBOX go together', 2);
  }
  if (options.client !== undefined && isIP(options.client) === 0) {
    throw new CommandError(`explain: --client ${options.client} is no IP address: write one as 192.0.2.7`, 2);
  }
  if (context.remote !== undefined) return await explainRemote(context, context.remote, addresses, options);
  const configuration = await loadConfiguration(context.configDirectory);
  const { login, sender } = options;
  if (question === undefined && addresses.length === 0) {
    if (login === undefined || sender === undefined) throw new CommandError('explain: which address?', 2);
    await explainLogin(configuration, context, { ...options, login, sender });
    return;
  }
  const settings = serviceSettings(configuration, options.service);
  const at = options.at === undefined ? undefined : parseMoment(options.at);
  const opened = await openForExplaining(configuration, context, at);
  try {
    const policy = opened.routing.policy(settings);
    await opened.routing.tables.ready();
    if (question !== undefined && reaches !== undefined) {
      const facts = opened.directory && (await whyNotFacts(opened.directory, policy, question, reaches));
      const answer = whyNot(reaches, await explainOne(policy, question, options), facts);
      if (context.json) context.print(JSON.stringify(answer));
      else for (const line of formatWhyNot(question, answer)) context.print(line);
    }
    const facts = flowFacts(configuration, opened.directory);
    for await (const address of inputs(addresses)) {
      const decided = await explainOne(policy, address, options);
      const explanation = await withFilters(policy, settings, decided, options.client);
      const flow = options.edges ? { flow: toldFlow(address, explanation, facts) } : {};
      if (context.json) context.print(JSON.stringify({ ...asObject(explanation), ...flow }));
      else for (const line of formatExplanation(address, explanation)) context.print(line);
      if (options.edges && !context.json)
        for (const line of formatEdges(address, explanation, facts)) context.print(line);
    }
  } finally {
    opened.close();
  }
}

/** Another host answers by its own policy. */
async function explainRemote(
  context: CommandContext,
  remote: RemoteHost,
  addresses: readonly string[],
  options: Options,
): Promise<void> {
  const { sender, client, clientName, helo, login, service, at, whyNot: question, edges } = options;
  const asked = { sender, client, clientName, helo, login, service };
  if (at !== undefined || question !== undefined || edges === true || addresses.length === 0) {
    throw new CommandError(
      'explain: --at, --edges, --why-not and --login without an address work on the host itself',
      2,
    );
  }
  for await (const address of inputs(addresses)) {
    const { items } = await remote.call<{ items: readonly Explanation[] }>('explain.show', {
      address: [address],
      ...asked,
    });
    for (const told of items) {
      const steps = told.steps.map(({ table, key, ...step }) => ({
        ...step,
        ...(table ? { table } : {}),
        ...(key ? { key } : {}),
      }));
      const explanation = { ...told, steps };
      if (context.json) context.print(JSON.stringify(asObject(explanation)));
      else for (const line of formatExplanation(address, explanation)) context.print(line);
    }
  }
}

/** May this login send as this address? */
async function explainLogin(
  configuration: Configuration,
  context: CommandContext,
  options: Options & { readonly login: string; readonly sender: string },
): Promise<void> {
  const settings = senderService(configuration, options.service);
  const at = options.at === undefined ? undefined : parseMoment(options.at);
  const opened = await openForExplaining(configuration, context, at);
  try {
    const policy = opened.routing.policy(settings);
    await opened.routing.tables.ready();
    const answer = await explainSender(policy, opened.routing, settings, opened.directory, options);
    if (context.json) context.print(JSON.stringify(answer));
    else for (const line of formatSender(answer)) context.print(line);
    if (!answer.maySend) process.exitCode = 1;
  } finally {
    opened.close();
  }
}

async function* inputs(addresses: readonly string[]): AsyncGenerator<string> {
  for (const address of addresses) {
    if (address !== '-') {
      yield address;
      continue;
    }
    for await (const line of createInterface({ input: process.stdin })) if (line.trim() !== '') yield line.trim();
  }
}

/** The JSON object that programs rely on: one a line, exactly these members. */
function asObject(explanation: Explanation): object {
  const { recipient, class: addressClass, reply, deliveries, filter, milters, steps } = explanation;
  return {
    recipient,
    class: addressClass,
    reply,
    deliveries,
    ...(filter === undefined ? {} : { filter }),
    ...(milters === undefined ? {} : { milters }),
    steps: steps.map(({ stage, table = '', key = '', result }) => ({ stage, table, key, result })),
  };
}
