// posthaste explain: where will mail for this address go, and why? The same policy and router as the server's, with
// a trace; works whether a server runs or not, for any folder with a main.cf, and writes nothing.

import { createInterface } from 'node:readline/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { openRouting, type Routing } from '../access/open-routing.ts';
import type { RecipientPolicy } from '../access/recipient-policy.ts';
import { Directory } from '../directory/directory.ts';
import { absentDirectoryOpener, directoryTableOpener } from '../directory/tables.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { openStoreReader } from '../mailstore/store-reader.ts';
import { mailboxRoom } from '../main/mailbox-room.ts';
import { extensionRules } from '../routing/routing-settings.ts';
import type { Client, TraceStep } from '../routing/types.ts';
import { type Configuration, dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import type { Settings } from '../settings/settings.ts';
import { type CommandContext, CommandError } from './context.ts';
import { type Explanation, formatExplanation } from './explanation-tree.ts';

interface ExplainOptions {
  readonly sender?: string;
  readonly client?: string;
  readonly helo?: string;
  readonly login?: string;
  readonly service?: string;
}

const examples = `
Examples:
  posthaste explain anna@example.com
  posthaste explain --sender bob@example.com --login bob@example.com --service submission carol@elsewhere.org
  posthaste explain --json --client 192.0.2.7 anna@example.com info@example.com
  posthaste -c /etc/postfix explain - < addresses.txt`;

// Somebody from elsewhere: neither the null sender nor anyone of ours.
const stranger = 'stranger@example.org';

export function register(program: Command, context: CommandContext): void {
  program
    .command('explain')
    .description('show where mail for an address goes, and why')
    .argument('<address...>', 'recipients; - reads them from standard input, one a line')
    .option('--sender <address>', 'the envelope sender; "" is the null sender')
    .option('--client <ip>', 'the address of the client; a stranger without it')
    .option('--helo <name>', 'what the client says at EHLO')
    .option('--login <user>', 'who is logged in; nobody without it')
    .option('--service <name>', 'the service of master.cf that is asked, as submission; the first smtpd without it')
    .addHelpText('after', examples)
    .action((addresses: string[], options: ExplainOptions) => explain(context, addresses, options));
}

async function explain(context: CommandContext, addresses: readonly string[], options: ExplainOptions): Promise<void> {
  const configuration = await loadConfiguration(context.configDirectory);
  const settings = serviceSettings(configuration, options.service);
  const opened = await openFor(configuration, context);
  try {
    const policy = opened.routing.policy(settings);
    await opened.routing.tables.ready();
    for await (const address of inputs(addresses)) {
      const explanation = await explainOne(policy, address, options);
      if (context.json) context.print(JSON.stringify(asObject(explanation)));
      else for (const line of formatExplanation(address, explanation)) context.print(line);
    }
  } finally {
    opened.close();
  }
}

/** What a client finally gets for this recipient: a refusal at MAIL too. */
async function explainOne(policy: RecipientPolicy, address: string, options: ExplainOptions): Promise<Explanation> {
  const { client: ip, helo, login } = options;
  const sender = options.sender ?? (login?.includes('@') ? login : stranger);
  const client: Client = {
    ...(ip === undefined ? {} : { address: ip }),
    ...(helo === undefined ? {} : { helo }),
    ...(login === undefined ? {} : { login }),
  };
  const steps: TraceStep[] = [];
  const atMail = await policy.checkSender(sender, client);
  const decided = await policy.checkRecipient(address, { sender, client }, (step) => steps.push(step));
  if (atMail === undefined) return { ...decided, steps };
  const { code, status, text } = atMail;
  const refused: TraceStep = { stage: 'reply', result: `${code} ${status} ${text} (at MAIL)` };
  return {
    ...decided,
    reply: atMail,
    deliveries: [],
    steps: [...steps.filter(({ stage }) => stage !== 'reply'), refused],
  };
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
function asObject({ recipient, class: addressClass, reply, deliveries, steps }: Explanation): object {
  return {
    recipient,
    class: addressClass,
    reply,
    deliveries,
    steps: steps.map(({ stage, table = '', key = '', result }) => ({ stage, table, key, result })),
  };
}

function serviceSettings({ services, settings }: Configuration, name: string | undefined): Settings {
  const servers = services.filter(({ type, command }) => type === 'inet' && command === 'smtpd');
  if (name === undefined) return servers[0]?.settings ?? settings;
  const service = servers.find(
    (one) =>
      one.name === name || one.name.endsWith(`:${name}`) || one.settings.text('syslog_name').endsWith(`/${name}`),
  );
  if (service !== undefined) return service.settings;
  const names = servers.map((one) => one.name).join(', ') || 'none';
  throw new CommandError(`no smtpd service ${name} in master.cf (there are: ${names})`, 2);
}

async function openFor(
  configuration: Configuration,
  context: CommandContext,
): Promise<{ readonly routing: Routing; close(): void }> {
  const { settings } = configuration;
  const dataDirectory = dataDirectoryOf(configuration);
  const file = path.join(dataDirectory, 'directory.db');
  const directory = existsSync(file)
    ? await Directory.open(file, {
        readonly: true,
        clock: systemClock,
        actor: 'explain',
        extensionRules: extensionRules(settings),
      })
    : undefined;
  const store = directory && openStoreReader(dataDirectory);
  const close = (): void => {
    store?.close();
    directory?.close();
  };
  try {
    const routing = openRouting({
      settings,
      log: warningsTo(context),
      isWatching: false,
      openers: {
        directory: directory
          ? directoryTableOpener(directory)
          : absentDirectoryOpener(`there is no directory in ${dataDirectory}: run "posthaste start" first`),
      },
      revisionSources: directory ? [directory] : [],
      ...(directory === undefined ? {} : { quota: mailboxRoom(directory, store) }),
    });
    return {
      routing,
      close: () => {
        routing.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** What the server would log as a warning goes to standard error, once each. */
function warningsTo(context: CommandContext): Log {
  const told = new Set<string>();
  return {
    write: (_program, level, text) => {
      if (level === 'info' || level === 'debug' || told.has(text)) return;
      told.add(text);
      context.warn(`posthaste: warning: ${text}`);
    },
  };
}
