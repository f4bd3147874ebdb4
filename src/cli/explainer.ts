// Opens a configuration for the commands that ask without a server (`explain`, `expect`, `compare`), and asks one
// question: the same policy and router as the server's. Nothing is written.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type MessageActions, noActions } from '../access/message-actions.ts';
import { openRouting, type Routing } from '../access/open-routing.ts';
import type { RecipientPolicy } from '../access/recipient-policy.ts';
import { type Moment, writeDirectoryAsOf } from '../directory/as-of.ts';
import { Directory } from '../directory/directory.ts';
import { hasDirectory, openConfiguredDirectory } from '../directory/open-directory.ts';
import { DirectoryOpenError } from '../directory/refusal.ts';
import { absentDirectoryOpener, directoryTableOpener } from '../directory/tables.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { openStoreReader } from '../mailstore/store-reader.ts';
import { throughFilter } from '../queue/content-filter.ts';
import { queueIdTime } from '../queue/queue-id.ts';
import { mailboxRoom } from '../main/mailbox-room.ts';
import { extensionRules } from '../routing/routing-settings.ts';
import type { Client, Delivery, Reply, TraceEdge, TraceSink, TraceStep } from '../routing/types.ts';
import { type Configuration, dataDirectoryOf } from '../settings/configuration.ts';
import type { Settings } from '../settings/settings.ts';
import { miltersOf, misconfigured, readFilterOptions } from '../smtp-server/filters.ts';
import { type CommandContext, CommandError } from './context.ts';
import type { Explanation, FiltersOnTheWay } from './explanation-tree.ts';

export interface ExplainOptions {
  readonly sender?: string;
  readonly client?: string;
  readonly clientName?: string;
  readonly helo?: string;
  readonly login?: string;
  readonly service?: string;
  /** A row that is taken for absent. */
  readonly without?: { readonly table: string; readonly key: string };
}

// Somebody from elsewhere: neither the null sender nor anyone of ours.
const stranger = 'stranger@example.org';

/** What a client finally gets for this recipient: a refusal at MAIL too. */
export async function explainOne(
  policy: RecipientPolicy,
  address: string,
  options: ExplainOptions,
): Promise<Explanation> {
  const { client: ip, clientName, helo, login } = options;
  const sender = options.sender ?? (login?.includes('@') ? login : stranger);
  const client: Client = {
    ...(ip === undefined ? {} : { address: ip }),
    ...(clientName === undefined ? {} : { name: clientName, reverseName: clientName }),
    ...(helo === undefined ? {} : { helo }),
    ...(login === undefined ? {} : { login }),
    protocol: 'ESMTP',
    doubts: {},
  };
  const steps: TraceStep[] = [];
  const edges: TraceEdge[] = [];
  const actions = noActions();
  const early = await refusalBefore(policy, sender, client, actions);
  const envelope = { sender, client, actions, isQuestionOnly: true };
  const trace = sinkInto(steps, edges, options.without);
  const decided = await policy.checkRecipient(address, envelope, trace);
  if (early === undefined) {
    const { filter } = actions;
    const ordered = filter === undefined ? {} : { orderedFilter: filter };
    return await withOrders(policy, sender, actions, { ...decided, ...ordered, steps, edges });
  }
  const { code, status, text } = early.reply;
  const refused: TraceStep = { stage: 'reply', result: `${code} ${status} ${text} (at ${early.where})` };
  return {
    ...decided,
    reply: early.reply,
    deliveries: [],
    steps: [...early.steps, ...steps.filter(({ stage }) => stage !== 'reply'), refused],
    isEarly: true,
  };
}

function sinkInto(steps: TraceStep[], edges: TraceEdge[], without: ExplainOptions['without']): TraceSink {
  return Object.assign((step: TraceStep) => void steps.push(step), {
    edge: (edge: TraceEdge) => void edges.push(edge),
    without: (table: string, key: string) => table === without?.table && key === without.key,
  });
}

/** What the client would hear before RCPT. */
async function refusalBefore(
  policy: RecipientPolicy,
  sender: string,
  client: Client,
  actions: MessageActions,
): Promise<{ readonly where: string; readonly reply: Reply; readonly steps: readonly TraceStep[] } | undefined> {
  const steps: TraceStep[] = [];
  if (!policy.isDelayed) {
    const atConnect = await policy.checkClient(client, 'CONNECT');
    if (atConnect !== undefined) return { where: 'the connection', reply: atConnect, steps };
    const atHelo = await policy.checkHelo(client, 'EHLO');
    if (atHelo !== undefined) return { where: 'EHLO', reply: atHelo, steps };
  }
  const request = { actions, isQuestionOnly: true };
  const atMail = await policy.checkSender(sender, client, (step) => steps.push(step), request);
  return atMail && { where: 'MAIL', reply: atMail, steps };
}

/** What access tables have ordered for the message changes where it goes. */
async function withOrders(
  policy: RecipientPolicy,
  sender: string,
  actions: MessageActions,
  explained: Explanation,
): Promise<Explanation> {
  if (explained.reply.code >= 400) return explained;
  const { isHeld, isDiscarded, redirect, bcc, prepended } = actions;
  let edges = [...(explained.edges ?? [])];
  const lead = (to: readonly string[], rest: Partial<TraceEdge> = {}) => {
    edges.push({ stage: 'order', from: explained.recipient, to, asked: [], ...rest });
  };
  const route = async (address: string, order: 'bcc' | 'redirect'): Promise<readonly Delivery[]> => {
    orders.push(`${order.toUpperCase()} ${address}`);
    lead([address]);
    try {
      return await policy.routeOrdered(address, sender, order, sinkInto([], edges, undefined));
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      orders.push(`error: ${error.message}`);
      return [];
    }
  };
  const orders: string[] = prepended.map((field) => `PREPEND ${field}`);
  let { deliveries } = explained;
  if (isHeld) orders.push('HOLD: waits in the queue until it is released');
  if (isDiscarded) {
    orders.push('DISCARD: accepted and thrown away');
    deliveries = [];
    edges = [];
    lead([], { end: { kind: 'discarded', what: 'DISCARD' } });
  } else if (redirect !== undefined) {
    edges = [];
    deliveries = await route(redirect, 'redirect');
  } else {
    for (const address of new Set(bcc)) deliveries = [...deliveries, ...(await route(address, 'bcc'))];
  }
  if (orders.length === 0) return explained;
  const steps = [...explained.steps];
  steps.splice(-1, 0, ...orders.map((result) => ({ stage: 'order', result })));
  return { ...explained, deliveries, steps, edges };
}

/** With what sees an accepted message. FILTER of header_checks, and what a milter decides, is not known before there is a message. */
export async function withFilters(
  policy: RecipientPolicy,
  settings: Settings,
  explained: Explanation,
  client: string | undefined,
): Promise<Explanation> {
  if (explained.isEarly) return explained;
  const asked: TraceStep[] = [];
  const milters = await miltersFor(policy, settings, client, asked);
  const steps = [...explained.steps];
  if (milters === undefined) {
    const { code, status, text } = misconfigured;
    const result = `${code} ${status} ${text} (at MAIL)`;
    const refused = steps.filter(({ stage }) => stage !== 'reply').concat(asked, { stage: 'reply', result });
    const refusal = { code, status, text };
    return { ...explained, reply: refusal, deliveries: [], steps: refused, edges: [], isEarly: true };
  }
  if (explained.reply.code >= 400) return explained;
  steps.splice(-1, 0, ...asked);
  const filter = filterFor(settings, explained);
  return {
    ...explained,
    steps,
    ...(filter === undefined ? {} : { filter }),
    ...(milters.length === 0 ? {} : { milters }),
  };
}

/** Undefined where it cannot be found out which they are. */
async function miltersFor(
  policy: RecipientPolicy,
  settings: Settings,
  client: string | undefined,
  steps: TraceStep[],
): Promise<readonly string[] | undefined> {
  const filters = readFilterOptions(settings);
  if (filters === undefined) return [];
  const note = (result: string) => void steps.push({ stage: 'milters', result });
  let list: string | undefined;
  if (client !== undefined) list = await policy.clientMilters({ address: client }, (step) => void steps.push(step));
  else if (settings.list('smtpd_milter_maps').length > 0) {
    note('smtpd_milter_maps is not asked: it knows clients by their addresses, and none is named (--client)');
  }
  // The table's own failure is told already.
  return miltersOf(filters, list, (text) => list === '?' || note(text))?.map(({ name }) => name);
}

function filterFor(settings: Settings, { deliveries, orderedFilter }: Explanation): FiltersOnTheWay['filter'] {
  const text = orderedFilter ?? settings.text('content_filter');
  const [first] = deliveries;
  if (text === '' || first === undefined) return undefined;
  const usual = { nexthop: settings.text('default_filter_nexthop'), hostname: settings.text('myhostname') };
  const { transport, nexthop } = throughFilter(first, text, usual);
  return { by: orderedFilter === undefined ? 'content_filter' : 'FILTER', transport, nexthop };
}

export function serviceSettings({ services, settings }: Configuration, name: string | undefined): Settings {
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

/** `at`: the directory as it was; text tables and the configuration are always today's. */
export async function openForExplaining(
  configuration: Configuration,
  context: Pick<CommandContext, 'warn'>,
  at?: Moment,
): Promise<{ readonly routing: Routing; readonly directory: Directory | undefined; close(): void }> {
  const { settings } = configuration;
  const dataDirectory = dataDirectoryOf(configuration);
  const options = {
    warn: (text: string) => context.warn(`posthaste: ${text}`),
    readonly: true,
    clock: systemClock,
    actor: 'explain',
    extensionRules: extensionRules(settings),
  };
  const opened = await openToday(settings, dataDirectory, options);
  const [today, reason] = typeof opened === 'string' ? [undefined, opened] : [opened, ''];
  const past = today && at ? await openPast(today, at, context, options) : undefined;
  const directory = past?.directory ?? today;
  const store = directory && openStoreReader(dataDirectory);
  const close = (): void => {
    store?.close();
    past?.close();
    today?.close();
  };
  try {
    const routing = openRoutingOver(configuration, context, directory, store, reason);
    return {
      routing,
      directory,
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

/** Routing over a directory, or without one: why there is none. */
export function openRoutingOver(
  { settings }: Configuration,
  context: Pick<CommandContext, 'warn'>,
  directory: Directory | undefined,
  store: ReturnType<typeof openStoreReader>,
  reason = '',
): Routing {
  return openRouting({
    settings,
    log: warningsTo(context),
    isWatching: false,
    openers: { directory: directory ? directoryTableOpener(directory) : absentDirectoryOpener(reason) },
    revisionSources: directory ? [directory] : [],
    ...(directory === undefined ? {} : { quota: mailboxRoom(directory, store), posting: directory.lookups.posting }),
  });
}

/** Or why there is none: that concerns only a configuration that asks the directory. */
async function openToday(
  settings: Settings,
  dataDirectory: string,
  options: Parameters<typeof openConfiguredDirectory>[2],
): Promise<Directory | string> {
  if (!hasDirectory(settings, dataDirectory))
    return `there is no directory in ${dataDirectory}: run "posthaste start" first`;
  try {
    return await openConfiguredDirectory(settings, dataDirectory, options);
  } catch (error) {
    if (error instanceof DirectoryOpenError) return error.message;
    throw error;
  }
}

async function openPast(
  today: Directory,
  at: Moment,
  context: Pick<CommandContext, 'warn'>,
  options: Parameters<typeof Directory.open>[1],
): Promise<{ readonly directory: Directory; close(): void }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'posthaste-as-of-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const file = path.join(folder, 'directory.db');
    const { revision } = await writeDirectoryAsOf(today, at, file, systemClock);
    context.warn(
      `posthaste: the directory as of revision ${revision}; configuration, text tables and room are today's`,
    );
    const directory = await Directory.open(file, options);
    return {
      directory,
      close: () => {
        directory.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** `17`: after that revision; a queue id: when that message came; otherwise a date or time. */
export function parseMoment(text: string): Moment {
  if (/^\d+$/.test(text)) return { revision: Number(text) };
  const time = queueIdTime(text) ?? Date.parse(text);
  if (Number.isNaN(time)) {
    throw new CommandError(
      `--at ${text}: neither the number of a revision, nor a queue id, nor a time as 2026-01-31T12:00`,
      2,
    );
  }
  return { time };
}

/** What the server would log as a warning goes to standard error, once each. */
export function warningsTo(context: Pick<CommandContext, 'warn'>): Log {
  const told = new Set<string>();
  return {
    write: (_program, level, text) => {
      if (level === 'info' || level === 'debug' || told.has(text)) return;
      told.add(text);
      context.warn(`posthaste: warning: ${text}`);
    },
  };
}
