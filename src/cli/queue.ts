// posthaste queue: mail that waits. Lists and the live view are read from the store and need no running server; what
// changes the queue is asked of the server.

import type { Command } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { openQueueSurvey } from '../mailstore/queue-survey.ts';
import { openStoreReader } from '../mailstore/store-reader.ts';
import { expiredByForce, type QueueMessage } from '../mailstore/types.ts';
import { shownNexthop } from '../queue/end-row.ts';
import type { QueueChange } from '../queue/queue-changes.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlRequest } from './control.ts';
import { drained, formatTime, printDone, printObject } from './output.ts';
import { idsFor } from './postqueue.ts';
import { formatMessage, listingEnd, listingTitle } from './queue-listing.ts';
import { formatShape, measureShape, type ShapeOptions, usualShape } from './queue-shape.ts';
import {
  activeIds,
  changeQueue,
  idsOf,
  type ListedMessage,
  listQueue,
  queueFolder,
  type QueueName,
  queueNames,
  queueOf,
  refuseStranger,
} from './queue-store.ts';
import type { RemoteHost } from './remote-host.ts';
import { changeRemoteQueue, listRemoteQueue, remoteMessage } from './remote-queue.ts';
import { registerMatching } from './queue-matching.ts';
import { watchQueue } from './queue-watch.ts';
import { formatSize } from './sizes.ts';

const examples = `
Examples:
  posthaste queue list
  posthaste queue watch
  posthaste queue shape deferred
  posthaste queue flush --site example.com
  posthaste queue remove 4dhRlh0009zSyXh`;

export function register(program: Command, context: CommandContext): void {
  const group = program.command('queue').description('mail that waits').addHelpText('after', examples);
  group.option('--watch', 'as queue watch').action(async ({ watch }: { watch?: true }) => {
    const [word] = group.args;
    if (word !== undefined) {
      throw new CommandError(`unknown command '${word}': see posthaste queue --help`, 2);
    }
    if (watch) await startWatch(context, {});
    else group.help();
  });
  registerViews(group, context);
  registerMatching(group, context);
  group
    .command('flush')
    .description('try everything now, or what waits for a domain, or messages')
    .option('--site <domain>', 'recipients in this domain')
    .option('--id <id...>', 'these messages')
    .action((options: { site?: string; id?: string[] }) => flush(context, options));
  const changes = [
    ['hold', 'hold', 'keep messages from being sent', 'put on hold'],
    ['release', 'release', 'let messages on hold go', 'released'],
    ['requeue', 'requeue', 'route the recipients of messages anew and try them', 'requeued'],
    ['expire', 'expire', 'return messages to their senders', 'expired'],
    ['remove', 'remove', 'delete messages, without telling anybody', 'removed'],
  ] as const;
  for (const [name, change, description, done] of changes) {
    group
      .command(name)
      .description(description)
      .argument('<id...>', 'queue ids, or ALL')
      .action((ids: string[]) => applyChange(context, change, ids, done));
  }
  // For its own message; after the others, which would take it over: `queue flush ID` would then flush everything.
  group.allowExcessArguments();
}

function registerViews(group: Command, context: CommandContext): void {
  group
    .command('list')
    .description('list what is queued, as mailq does')
    .action(() => list(context));
  group
    .command('show')
    .description('show one message: recipients, attempts, reasons')
    .argument('<id>', 'queue id')
    .action((id: string) => show(context, id));
  group
    .command('watch')
    .description('show the queue as it changes, until Ctrl-C')
    .option('--count <views>', 'end after this many views')
    .action((options: { count?: string }) => startWatch(context, options));
  group
    .command('shape')
    .description('count recipients by domain and age, as qshape(1)')
    .option('-s, --sender', "by the sender's domain")
    .option('-b <buckets>', 'how many ages', '10')
    .option('-t <minutes>', 'how long the first age is', '5')
    .option('-l', 'every age as long as the first')
    .option('-n <domains>', 'the fullest domains only')
    .argument('[queue...]', 'incoming, active, deferred, hold; without: incoming and active')
    .action((queues: string[], options: ShapeWords) => printShape(context, queues, options));
}

async function startWatch(context: CommandContext, { count }: { count?: string }): Promise<void> {
  const views = count === undefined ? {} : { count: positive(count, '--count') };
  await watchQueue(context, { dataDirectory: await queueFolder(context), intervalMilliseconds: 1000, ...views });
}

async function list(context: CommandContext): Promise<void> {
  let count = 0;
  let bytes = 0;
  const { remote } = context;
  for await (const message of remote === undefined ? listQueue(await queueFolder(context)) : listRemoteQueue(remote)) {
    if (count === 0 && !context.json) context.print(listingTitle);
    for (const line of context.json ? [JSON.stringify(toJson(message))] : formatMessage(message)) context.print(line);
    await drained();
    count++;
    bytes += message.size;
  }
  if (!context.json) context.print(listingEnd(count, bytes));
}

/** The names of postqueue -j, and what else the queue knows. */
function toJson({ queue, id, arrival, size, isExpired, sender, recipients, row }: ListedMessage): object {
  const people = row?.recipients.map(({ recipient, original, transport, nexthop, status, reason }) => {
    const delay = reason === '' ? {} : { dsn: status, delay_reason: reason };
    return { address: recipient, original, transport, nexthop: shownNexthop(nexthop), ...delay };
  });
  return {
    queue_name: queue,
    queue_id: id,
    arrival_time: Math.floor(arrival / 1000),
    message_size: size,
    forced_expire: isExpired,
    sender,
    ...(row ? { next_attempt: Math.floor(row.nextAttempt / 1000), attempts: row.attempts } : {}),
    recipients: people ?? recipients.map(({ recipient }) => ({ address: recipient })),
  };
}

async function show(context: CommandContext, id: string): Promise<void> {
  if (context.remote !== undefined) return showMessage(context, await remoteMessage(context.remote, id));
  const folder = await queueFolder(context);
  refuseStranger(folder);
  const store = openStoreReader(folder);
  const message = store?.queueMessage(id);
  store?.close();
  if (message === undefined) throw new CommandError(`no such message in the queue: ${id}`);
  const queue = queueOf(message, (await activeIds(folder)).has(id));
  const { arrival, size, sender, nextAttempt, recipients } = message;
  const isExpired = nextAttempt === expiredByForce;
  showMessage(context, { queue, id, arrival, size, isExpired, sender, recipients, row: message });
}

function showMessage(context: CommandContext, listed: ListedMessage): void {
  const { queue, id, arrival, size, isExpired, sender, row } = listed;
  if (row === undefined) throw new CommandError(`no such message in the queue: ${id}`);
  const lines: [string, string][] = [
    ['Queue id', id],
    ['State', isExpired ? `${queue}, expired` : queue],
    ['Sender', sender === '' ? '<>' : sender],
    ['Size', formatSize(size)],
    ['Arrived', formatTime(arrival)],
    ['Attempts', String(row.attempts)],
    ['Next attempt', isExpired ? 'none: it goes back' : nextAttemptText(row)],
    ...row.recipients.map((one): [string, string] => {
      const original = one.original === one.recipient || one.original === '' ? '' : ` (for ${one.original})`;
      const reason = one.reason === '' ? '' : `: ${one.status} ${one.reason}`;
      return ['Recipient', `${one.recipient}${original} by ${one.transport}:${shownNexthop(one.nexthop)}${reason}`];
    }),
  ];
  printObject(context, toJson(listed), lines);
}

function nextAttemptText({ hold, nextAttempt }: QueueMessage): string {
  return hold ? 'none while it is on hold' : formatTime(nextAttempt);
}

interface ShapeWords {
  readonly sender?: true;
  readonly b: string;
  readonly t: string;
  readonly l?: true;
  readonly n?: string;
}

async function printShape(context: CommandContext, names: readonly string[], words: ShapeWords): Promise<void> {
  const unknown = names.find((name) => !queueNames.some((queue) => queue === name));
  if (unknown !== undefined) throw new CommandError(`${unknown}: there is no such queue`, 2);
  const options: ShapeOptions = {
    ...usualShape,
    bySender: words.sender === true,
    queues: new Set<QueueName>(names.length === 0 ? ['incoming', 'active'] : (names as QueueName[])),
    buckets: positive(words.b, '-b'),
    bucketMinutes: positive(words.t, '-t'),
    isLinear: words.l === true,
  };
  const folder = await queueFolder(context);
  refuseStranger(folder);
  const survey = openQueueSurvey(folder);
  const now = systemClock.now();
  const limit = words.n === undefined ? undefined : positive(words.n, '-n');
  const shape = survey
    ? await measureShape(survey, await activeIds(folder), options, now)
    : {
        total: Array.from({ length: options.buckets + 1 }, () => 0),
        domains: [],
        oldest: undefined,
        largest: undefined,
      };
  survey?.close();
  if (context.json) {
    context.print(JSON.stringify({ total: shape.total, domains: Object.fromEntries(shape.domains.slice(0, limit)) }));
  } else for (const line of formatShape(shape, options, limit)) context.print(line);
}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000_000) {
    throw new CommandError(`${option} ${text}: must be a number above 0`, 2);
  }
  return value;
}

async function flush(context: CommandContext, { site, id }: { site?: string; id?: string[] }): Promise<void> {
  if (context.remote !== undefined) return await flushRemote(context, context.remote, site, id);
  const folder = await queueFolder(context);
  if (site === undefined && id === undefined) {
    await controlRequest(folder, { command: 'queue-flush' });
    printDone(context, 'everything in the queue is being tried', { flushed: true });
    return;
  }
  let count = 0;
  if (id !== undefined) count += await changeQueue(folder, 'flush', id);
  if (site !== undefined) count += await changeQueue(folder, 'flush', idsFor(folder, site));
  if (count === 0) throw new CommandError(nothingToTry(site, id));
  printDone(context, `${messages(count)} being tried`, { messages: count });
}

function nothingToTry(site: string | undefined, ids: readonly string[] = []): string {
  const told = site === undefined ? [] : [`nothing in the queue waits for ${site}`];
  if (ids.length > 0) told.push(`no such message in the queue: ${ids.join(' ')}`);
  return told.join('; ');
}

async function applyChange(
  context: CommandContext,
  change: QueueChange,
  ids: readonly string[],
  done: string,
): Promise<void> {
  if (context.remote !== undefined) {
    const count = await changeRemoteQueue(context.remote, change, ids);
    if (count === 0 && !ids.includes('ALL')) throw new CommandError(`no such message to be ${done}: ${ids.join(' ')}`);
    printDone(context, `${messages(count)} ${done}`, { messages: count });
    return;
  }
  const folder = await queueFolder(context);
  const count = await changeQueue(folder, change, ids.includes('ALL') ? idsOf(folder, new Set(queueNames)) : ids);
  if (count === 0 && !ids.includes('ALL')) throw new CommandError(`no such message to be ${done}: ${ids.join(' ')}`);
  printDone(context, `${messages(count)} ${done}`, { messages: count });
}

async function flushRemote(
  context: CommandContext,
  remote: RemoteHost,
  site: string | undefined,
  id: readonly string[] | undefined,
): Promise<void> {
  if (site !== undefined) throw new CommandError('queue flush --site works on the host itself', 2);
  if (id === undefined) {
    await remote.call('queue.flush-all');
    printDone(context, 'everything in the queue is being tried', { flushed: true });
    return;
  }
  const count = await changeRemoteQueue(remote, 'flush', id);
  if (count === 0) throw new CommandError(`no such message in the queue: ${id.join(' ')}`);
  printDone(context, `${messages(count)} being tried`, { messages: count });
}

function messages(count: number): string {
  return `${count} ${count === 1 ? 'message' : 'messages'}`;
}
