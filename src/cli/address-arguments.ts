// Addresses as arguments; `-` alone reads them from standard input.

import type { CommandContext } from './context.ts';
import { readStandardInput } from './read-input.ts';

/** One a line; empty lines, and lines that begin with #, are nobody. */
export async function addressArguments(context: CommandContext, given: readonly string[]): Promise<readonly string[]> {
  if (given.length !== 1 || given[0] !== '-') return given;
  return (await readStandardInput(context))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
