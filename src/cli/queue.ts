// posthaste queue list|flush|hold|release|remove, and mailq: the queue as Postfix's postqueue -p shows it. The list is
// read from the store and needs no running server; what changes the queue is asked of the server.

import type { Command } from 'commander';
import { openStoreReader } from '../mailstore/store-reader.ts';
import type { QueueMessage } from '../mailstore/types.ts';
import { shownNexthop } from '../queue/end-row.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlRequest } from './control.ts';
import { printDone } from './output.ts';

const examples = `
Examples:
  posthaste queue list
  posthaste --json queue list
  posthaste queue flush
  posthaste queue remove 4dhRlh0009zSyXh`;

export function register(program: Command, context: CommandContext): void {
  const group = program.command('queue').description('mail that waits').addHelpText('after', examples);
  group
    .command('list')
    .description('list what is queued, as mailq does')
    .action(() => listQueue(context));
  group
    .command('flush')
    .description('try everything now')
    .action(async () => {
      await ask(context, { command: 'queue-flush' });
      printDone(context, 'everything in the queue is being tried', { flushed: true });
    });
  const changes = [
    ['hold', 'queue-hold', 'keep messages from being sent', 'put on hold'],
    ['release', 'queue-release', 'let messages on hold go', 'released'],
    ['remove', 'queue-remove', 'delete messages, without telling anybody', 'removed'],
  ] as const;
  for (const [name, command, description, done] of changes) {
    group
      .command(name)
      .description(description)
      .argument('<id...>', 'queue ids')
      .action(async (ids: string[]) => {
        const count = Number(await ask(context, { command, ids }));
        if (count === 0) throw new CommandError(`no such message in the queue: ${ids.join(' ')}`);
        printDone(context, `${count} ${count === 1 ? 'message' : 'messages'} ${done}`, { messages: count });
      });
  }
  program
    .command('postqueue')
    .description("Postfix's postqueue: -p or -j lists, -f tries everything now")
    .option('-p', 'list what is queued')
    .option('-j', 'list it as JSON lines')
    .option('-f', 'try everything now')
    .action(async (options: { p?: true; j?: true; f?: true }) => {
      if (options.f) await ask(context, { command: 'queue-flush' });
      else if (options.p || options.j) await listQueue(options.j ? { ...context, json: true } : context);
      else throw new CommandError('postqueue: one of -p, -j and -f is needed', 2);
    });
  program
    .command('mailq')
    .description('list what is queued')
    .action(() => listQueue(context));
}

async function ask(context: CommandContext, request: Parameters<typeof controlRequest>[1]): Promise<unknown> {
  return controlRequest(dataDirectoryOf(await loadConfiguration(context.configDirectory)), request);
}

const pageLength = 200;

export async function listQueue(context: CommandContext): Promise<void> {
  const store = openStoreReader(dataDirectoryOf(await loadConfiguration(context.configDirectory)));
  try {
    let count = 0;
    let bytes = 0;
    let after = '';
    for (;;) {
      const page = store?.queueList(after, pageLength) ?? [];
      for (const message of page) {
        if (!context.json && count === 0)
          context.print('-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------');
        for (const line of context.json ? [jsonLine(message)] : formatMessage(message)) context.print(line);
        count++;
        bytes += message.size;
      }
      const last = page.at(-1);
      if (!last || page.length < pageLength) break;
      after = last.id;
    }
    if (context.json) return;
    if (count === 0) context.print('Mail queue is empty');
    else context.print(`-- ${Math.floor(bytes / 1024)} Kbytes in ${count} Request${count === 1 ? '' : 's'}.`);
  } finally {
    store?.close();
  }
}

/** As Postfix's showq: `!` on hold; reasons in brackets before those whom they concern. */
function formatMessage(message: QueueMessage): string[] {
  const mark = message.hold ? '!' : ' ';
  const sender = message.sender === '' ? 'MAILER-DAEMON' : message.sender;
  const date = new Date(message.arrival);
  // `Sat Nov 21 12:00:18` as ctime(3).
  const time = `${date
    .toDateString()
    .slice(0, 10)
    .replace(/ 0(\d)$/, '  $1')} ${date.toTimeString().slice(0, 8)}`;
  const lines = [`${`${message.id}${mark}`.padEnd(16)} ${String(message.size).padStart(8)} ${time}  ${sender}`];
  const byReason = Map.groupBy(message.recipients, ({ reason }) => reason);
  for (const [reason, recipients] of byReason) {
    if (reason !== '') lines.push(`(${reason})`.padStart(78));
    for (const { recipient } of recipients) lines.push(`${' '.repeat(41)}${recipient}`);
  }
  return [...lines, ''];
}

/** The names of postqueue -j. */
function jsonLine(message: QueueMessage): string {
  const isDeferred = message.attempts > 0;
  return JSON.stringify({
    queue_name: message.hold ? 'hold' : isDeferred ? 'deferred' : 'active',
    queue_id: message.id,
    arrival_time: Math.floor(message.arrival / 1000),
    message_size: message.size,
    forced_expire: false,
    sender: message.sender,
    next_attempt: Math.floor(message.nextAttempt / 1000),
    attempts: message.attempts,
    recipients: message.recipients.map(({ recipient, original, transport, nexthop, status, reason }) => ({
      address: recipient,
      original,
      transport,
      nexthop: shownNexthop(nexthop),
      ...(reason === '' ? {} : { dsn: status, delay_reason: reason }),
    })),
  });
}
