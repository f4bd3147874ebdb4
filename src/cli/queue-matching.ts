// posthaste queue summary, apply and header: what is queued by a filter, counted, and acted on as a whole. Looking reads the
// store beside the server; the act is the running server's.

import path from 'node:path';
import { type Command, Option } from 'commander';
import { filterOf, type FilterWords } from '../admin/queue-schemas.ts';
import { openSqlite } from '../database/sqlite.ts';
import { systemClock } from '../lib/clock.ts';
import { plural } from '../lib/plural.ts';
import { QueueScan, type QueueSummary } from '../mailstore/queue-scan.ts';
import { storeFile } from '../mailstore/store-reader.ts';
import type { QueueState } from '../mailstore/queue-filter.ts';
import type { QueueChange } from '../queue/queue-changes.ts';
import { type CommandContext, CommandError } from './context.ts';
import { printDone } from './output.ts';
import { activeIds, changeQueue, queueFolder, refuseStranger } from './queue-store.ts';

const changes: readonly QueueChange[] = ['flush', 'hold', 'release', 'requeue', 'expire', 'remove'];
const sliceLength = 200;

interface Words {
  readonly state?: QueueState;
  readonly sender?: string;
  readonly recipient?: string;
  readonly destination?: string;
  readonly reason?: string;
  readonly minAge?: string;
  readonly maxAge?: string;
}

export function registerMatching(group: Command, context: CommandContext): void {
  withFilter(group.command('summary').description('count what is queued by destination, reply and sender')).action(
    (words: Words) => summarize(context, words),
  );
  withFilter(group.command('apply').description('do something to all that matches'))
    .argument('<change>', changes.join(', '))
    .action((change: string, words: Words) => apply(context, change, words));
}

function withFilter(command: Command): Command {
  return command
    .addOption(new Option('--state <state>').choices(['incoming', 'active', 'deferred', 'hold']))
    .option('--sender <part>', 'of the address; in <> the whole of it')
    .option('--recipient <part>', 'likewise')
    .option('--destination <domain>', 'of a recipient')
    .option('--reason <part>', 'of the last reply; * stands for anything')
    .option('--min-age <seconds>', 'at least this old')
    .option('--max-age <seconds>', 'younger than this');
}

function wordsOf({ minAge, maxAge, ...rest }: Words): FilterWords {
  const seconds = (text: string): number => {
    if (!/^\d{1,9}$/.test(text)) throw new CommandError(`${text}: must be a number of seconds`, 2);
    return Number(text);
  };
  return {
    ...rest,
    ...(minAge === undefined ? {} : { minAge: seconds(minAge) }),
    ...(maxAge === undefined ? {} : { maxAge: seconds(maxAge) }),
  };
}

async function withScan<Result>(context: CommandContext, use: (scan: QueueScan, folder: string) => Promise<Result>) {
  const folder = await queueFolder(context);
  refuseStranger(folder);
  const database = openSqlite(path.join(folder, storeFile), { readonly: true, busyTimeout: 5000, cacheKib: 65_536 });
  try {
    return await use(new QueueScan(database), folder);
  } finally {
    database.close();
  }
}

async function summarize(context: CommandContext, given: Words): Promise<void> {
  const words = wordsOf(given);
  const filter = filterOf(words, { clock: systemClock });
  const summary = context.remote
    ? await context.remote.call<QueueSummary>('queue.summary', { ...words, fresh: true })
    : await withScan(context, async (scan, folder) => scan.summary(filter, await activeIds(folder), systemClock.now()));
  if (context.json) {
    context.print(JSON.stringify(summary));
    return;
  }
  const { messages, recipients, bytes, destinations, reasons, senders, isComplete } = summary;
  context.print(
    `${isComplete ? '' : 'at least '}${plural(messages, 'message')}, ${plural(recipients, 'recipient')}, ${plural(bytes, 'byte')}`,
  );
  for (const [title, rows] of [
    ['by destination', destinations.map(({ name, recipients: count }) => [name, count] as const)],
    ['by last reply', reasons.map(({ name, recipients: count }) => [name, count] as const)],
    ['by sender (messages)', senders.map(({ name, messages: count }) => [name, count] as const)],
  ] as const) {
    if (rows.length > 0) context.print(`\n${title}`);
    for (const [name, count] of rows.slice(0, 20)) context.print(`${String(count).padStart(9)}  ${name}`);
  }
}

async function apply(context: CommandContext, word: string, given: Words): Promise<void> {
  const change = changes.find((one) => one === word);
  if (change === undefined) throw new CommandError(`${word}: must be one of ${changes.join(', ')}`, 2);
  const words = wordsOf(given);
  const { remote } = context;
  if (remote !== undefined) {
    const { job } = await remote.call<{ job: string }>('queue.apply', { change, ...words });
    printDone(context, `it goes on by itself; see GET /api/v1/queue/jobs/${job}`, { job });
    return;
  }
  const now = systemClock.now();
  const filter = filterOf(words, { clock: systemClock });
  const count = await withScan(context, async (scan, folder) => {
    // First all of them: what is requeued gets new rows behind the others.
    const ids: string[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: ReturnType<QueueScan['ids']> = scan.ids(
        { ...filter, before: Math.min(filter.before ?? now + 1, now + 1) },
        await activeIds(folder),
        after,
        sliceLength,
      );
      ids.push(...page.ids);
      after = page.next;
    }
    return ids.length === 0 ? 0 : await changeQueue(folder, change, ids);
  });
  printDone(context, `${plural(count, 'message')} changed`, { messages: count });
}
