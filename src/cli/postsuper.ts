// posthaste postsuper: Postfix's postsuper(1): deletes, holds, releases, requeues and expires queued mail. The server
// makes each change (queue/queue-changes.ts says what becomes of mail that is being sent), so one must run.

import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import type { QueueChange } from '../queue/queue-changes.ts';
import { type CommandContext, CommandError } from './context.ts';
import { changeQueue, idsOf, isQueueId, queueFolder, queueNames } from './queue-store.ts';
import { fatal, registerTool } from './tool.ts';
import { parseToolOptions, type ToolSyntax } from './tool-options.ts';

const syntax: ToolSyntax = {
  tool: 'postsuper',
  letters: 'c:d:e:f:h:H:pr:sSv',
  usage:
    '[-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] [-f queue_id (expire and/or un-hold)] ' +
    '[-h queue_id (hold)] [-H queue_id (un-hold)] [-p (purge temporary files)] [-r queue_id (requeue)] ' +
    '[-s (structure fix)] [-S (redundant structure fix)][-v (verbose)] [queue...]',
};

const help = `
Options: -d (delete), -h (put on hold), -H (release from hold), -r (route anew and try), -e (return to sender), -f (the
same, on hold or not), each with a queue id, ALL, or - (ids from standard input); -s and -p have nothing to do here. Queue names
(incoming, active, deferred, hold) restrict what is meant.

Examples:
  posthaste postsuper -d 4dhRlh0009zSyXh
  posthaste postsuper -d ALL deferred
  posthaste postqueue -j | jq -r 'select(.sender == "spammer@example.com").queue_id' | posthaste postsuper -d -`;

interface Action {
  readonly letter: string;
  readonly change: QueueChange;
  /** After a queue id that was changed, and before the sum. */
  readonly done: string;
  readonly sum: string;
  readonly queues: readonly string[];
}

const everywhere = ['incoming', 'active', 'deferred', 'hold'];

const held = ['hold'];
const sent = ['incoming', 'active', 'deferred'];

/** In the order in which they are done. */
const actions: readonly Action[] = [
  { letter: 'd', change: 'remove', done: 'removed', sum: 'Deleted', queues: everywhere },
  { letter: 'r', change: 'requeue', done: 'requeued', sum: 'Requeued', queues: everywhere },
  { letter: 'h', change: 'hold', done: 'placed on hold', sum: 'Placed on hold', queues: sent },
  { letter: 'e', change: 'expire', done: 'expired', sum: 'Force-expired', queues: everywhere },
  { letter: 'f', change: 'expire', done: 'expired', sum: 'Force-expired', queues: everywhere },
  { letter: 'H', change: 'release', done: 'released from hold', sum: 'Released from hold', queues: held },
  { letter: 'f', change: 'release', done: 'released from hold', sum: 'Released from hold', queues: held },
];

/** In the order in which they are printed. */
const sums = ['Requeued', 'Deleted', 'Placed on hold', 'Force-expired', 'Released from hold'];

export function register(program: Command, context: CommandContext): void {
  registerTool(program, context, {
    name: 'postsuper',
    description: 'delete, hold, release, requeue or expire queued mail, with the options of postsuper(1)',
    help,
    run: postsuper,
  });
}

async function postsuper(context: CommandContext, args: readonly string[]): Promise<void> {
  const options = parseToolOptions(syntax, args);
  const { operands } = options;
  const unknown = operands.find((name) => !queueNames.some((queue) => queue === name));
  if (unknown !== undefined) throw fatal('postsuper', `invalid directory name: ${unknown}`);
  const folder = await queueFolder({ ...context, configDirectory: options.value('c') ?? context.configDirectory });
  const input = new Lines(context.input ?? process.stdin);
  const counts = new Map<string, number>();
  for (const action of actions) {
    if (!options.has(action.letter)) continue;
    const queues = new Set(
      operands.length === 0 ? action.queues : operands.filter((name) => action.queues.includes(name)),
    );
    const names = options.values(action.letter);
    const isAll = names.includes('ALL');
    const ids = isAll ? idsOf(folder, queues) : named(names, input);
    const chosen = isAll || operands.length === 0 ? ids : among(ids, folder, queues);
    const tell = (id: string, isChanged: boolean): void => {
      if (!isQueueId(id)) context.warn(`postsuper: warning: invalid mail queue id: ${id}`);
      else if (isChanged && !isAll) context.warn(`postsuper: ${id}: ${action.done}`);
    };
    const count = await change(folder, action.change, chosen, tell);
    counts.set(action.sum, (counts.get(action.sum) ?? 0) + count);
  }
  for (const sum of sums) {
    const count = counts.get(sum);
    if (count !== undefined) context.warn(`postsuper: ${sum}: ${count} message${count === 1 ? '' : 's'}`);
  }
  if (['s', 'S', 'p'].some((letter) => options.has(letter)))
    context.warn('postsuper: nothing to mend: the queue is kept in transactions');
}

async function change(...args: Parameters<typeof changeQueue>): Promise<number> {
  try {
    return await changeQueue(...args);
  } catch (error) {
    if (error instanceof CommandError && error.program === 'posthaste') throw fatal('postsuper', error.message);
    throw error;
  }
}

async function* named(names: readonly string[], input: Lines): AsyncIterable<string> {
  for (const name of names) {
    if (name === '-') yield* input;
    else yield name;
  }
}

/** Those that stand in one of the queues at this moment. */
async function* among(ids: AsyncIterable<string>, folder: string, queues: ReadonlySet<string>): AsyncIterable<string> {
  const wanted = new Set<string>();
  for await (const id of ids) wanted.add(id);
  for await (const id of idsOf(folder, queues)) if (wanted.has(id)) yield id;
}

/** Read once, by whoever asks first. */
class Lines implements AsyncIterable<string> {
  readonly #input: NodeJS.ReadableStream;
  #isRead = false;

  constructor(input: NodeJS.ReadableStream) {
    this.#input = input;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    if (this.#isRead) return;
    this.#isRead = true;
    for await (const line of createInterface({ input: this.#input })) yield line;
  }
}
