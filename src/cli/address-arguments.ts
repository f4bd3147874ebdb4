// Addresses as arguments; `-` alone reads them from standard input.

import type { CommandContext } from './context.ts';

/** One a line; empty lines, and lines that begin with #, are nobody. */
export async function addressArguments(context: CommandContext, given: readonly string[]): Promise<readonly string[]> {
  if (given.length !== 1 || given[0] !== '-') return given;
  let text = '';
  for await (const chunk of context.input ?? process.stdin) text += String(chunk);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
