// Asks whether something that removes is meant, where there is somebody to ask: on a terminal, and without --yes. Scripts
// are not asked, and what is removed can be brought back for some time; for a change of many things they must say --yes.

import { createInterface } from 'node:readline/promises';
import type { Directory } from '../directory/directory.ts';
import { type CommandContext, CommandError } from './context.ts';

export interface ConfirmOptions {
  readonly yes?: true;
}

export const yesOption = ['--yes', 'do not ask, also on a terminal'] as const;

/** What names an address, for the question. */
export async function namedBy(directory: Directory, address: string): Promise<string[]> {
  // A catch-all is the name of no person: nothing can name it.
  if (address.trim().startsWith('@')) return [];
  const { aliases, lists, forwards, senderLogins, copies } = await directory.mailboxes.references(address);
  const named = [...new Set([...aliases, ...lists, ...forwards, ...senderLogins, ...copies])];
  return named.length === 0 ? [] : [`it is named by ${named.slice(0, 20).join(', ')}`];
}

/** `what` is a sentence or several, told first; the question follows. Throws where the answer is no. */
export async function confirm(
  context: CommandContext,
  question: string,
  what: readonly string[],
  { yes }: ConfirmOptions,
): Promise<void> {
  if (yes || context.isTrial || context.json || !process.stdin.isTTY || !process.stderr.isTTY) return;
  for (const line of what) context.warn(line);
  await ask(question);
}

/** For a change of many things: nobody makes it without having been asked or having said --yes. */
export async function confirmMany(question: string, isSure: boolean): Promise<void> {
  if (isSure) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CommandError('nothing was changed: add --yes to do it, or --plan to see only what it would do', 2);
  }
  await ask(question);
}

async function ask(question: string): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} (y/N) `);
    if (!/^y(?:es)?$/i.test(answer.trim())) throw new CommandError('nothing was changed');
  } finally {
    terminal.close();
  }
}
