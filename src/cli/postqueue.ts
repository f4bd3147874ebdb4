// posthaste postqueue: Postfix's postqueue(1). The queue is read from the store and needs no running server; what tries
// mail now is asked of the server.
//
// -s takes any site, not only those of fast_flush_domains: no list of what waits for whom has to be kept for it.

import type { Command } from 'commander';
import { openQueueSurvey } from '../mailstore/queue-survey.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlRequest, NoServerError } from './control.ts';
import { drained } from './output.ts';
import { formatJson, formatMessage, listingEnd, listingTitle } from './queue-listing.ts';
import { changeQueue, isQueueId, listQueue, queueFolder } from './queue-store.ts';
import { fatal, registerTool } from './tool.ts';
import { parseToolOptions, type ToolSyntax, usageError } from './tool-options.ts';

const syntax: ToolSyntax = {
  tool: 'postqueue',
  letters: 'c:fi:jps:v',
  usage: '-f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site',
  failure: 69,
};

const help = `
Options: -p (list the queue), -j (the same as JSON lines), -f (try everything now), -i QUEUEID (try one message now),
-s SITE (try what waits for a domain now), -c DIR, -v.

Examples:
  posthaste postqueue -p
  posthaste postqueue -i 4dhRlh0009zSyXh
  posthaste postqueue -s example.com`;

export function register(program: Command, context: CommandContext): void {
  registerTool(program, context, {
    name: 'postqueue',
    description: 'list or flush the queue, with the options of postqueue(1)',
    help,
    failure: 69,
    run: postqueue,
  });
}

async function postqueue(context: CommandContext, args: readonly string[]): Promise<void> {
  const options = parseToolOptions(syntax, args);
  const modes = ['f', 'i', 'j', 'p', 's'].filter((letter) => options.has(letter));
  if (modes.length !== 1 || options.operands.length > 0) throw usageError(syntax);
  const configDirectory = options.value('c') ?? context.configDirectory;
  const tools = { ...context, configDirectory };
  const [mode] = modes;
  if (mode === 'p' || mode === 'j') await printQueue(tools, 'postqueue', mode === 'j');
  else if (mode === 'f') await flushAll(tools, 'postqueue');
  else if (mode === 'i') await flushMessage(tools, 'postqueue', options.value('i') ?? '');
  else await flushSite(tools, 'postqueue', options.value('s') ?? '');
}

/** Also what mailq and `sendmail -bp` mean. */
export async function printQueue(context: CommandContext, tool: string, isJson: boolean): Promise<void> {
  await withStatus(tool, async () => {
    let count = 0;
    let bytes = 0;
    for await (const message of listQueue(await queueFolder(context))) {
      if (count === 0 && !isJson) context.print(listingTitle);
      for (const line of isJson ? [formatJson(message)] : formatMessage(message)) context.print(line);
      await drained();
      count++;
      bytes += message.size;
    }
    if (!isJson) context.print(listingEnd(count, bytes));
  });
}

/** Also what `sendmail -q` means. */
export async function flushAll(context: CommandContext, tool: string): Promise<void> {
  await withStatus(tool, async () => {
    await controlRequest(await queueFolder(context), { command: 'queue-flush' });
  });
}

/** `sendmail -qI`. A message that is not there is no failure, as with postqueue(1). */
export async function flushMessage(context: CommandContext, tool: string, id: string): Promise<void> {
  if (!isQueueId(id)) throw fatal(tool, `Cannot flush queue ID - invalid name: "${id}"`, 69);
  await withStatus(tool, async () => {
    await changeQueue(await queueFolder(context), 'flush', [id]);
  });
}

/** `sendmail -qR`. */
export async function flushSite(context: CommandContext, tool: string, site: string): Promise<void> {
  if (!/^(?:[\w.-]+|\[[\w.:]+\])$/.test(site)) {
    throw fatal(tool, `Cannot flush mail queue - invalid destination: "${site}"`, 69);
  }
  await withStatus(tool, async () => {
    const folder = await queueFolder(context);
    await changeQueue(folder, 'flush', idsFor(folder, site));
  });
}

const surveyLength = 5000;

/** Messages with a recipient in this domain. */
export function* idsFor(dataDirectory: string, site: string): Iterable<string> {
  const survey = openQueueSurvey(dataDirectory);
  const ending = `@${site.toLowerCase()}`;
  let previous = '';
  try {
    for (let after = 0; ; ) {
      const page = survey?.addresses(after, surveyLength) ?? [];
      for (const { message, recipient } of page) {
        if (message === previous || !recipient.toLowerCase().endsWith(ending)) continue;
        previous = message;
        yield message;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < surveyLength) return;
      after = last.row;
    }
  } finally {
    survey?.close();
  }
}

/** With Postfix's words and exit status where there is no server, or the queue belongs to another. */
async function withStatus(tool: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof NoServerError) throw fatal(tool, 'Cannot flush mail queue - mail system is down', 69);
    if (error instanceof CommandError && error.program === 'posthaste') throw fatal(tool, error.message, 69);
    throw error;
  }
}
