// Asks before a change of many things: on a terminal, where nobody has said --yes. Without a terminal --yes is needed.

import { createInterface } from 'node:readline/promises';
import { CommandError } from './context.ts';

/** Throws where the answer is no. */
export async function confirm(question: string, isSure: boolean): Promise<void> {
  if (isSure) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CommandError('nothing was changed: add --yes to do it, or --plan to see only what it would do', 2);
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError('nothing was changed');
  } finally {
    lines.close();
  }
}
