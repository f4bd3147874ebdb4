// What a command reads where a file is named and `-` stands for standard input.

import { readFile } from 'node:fs/promises';
import type { CommandContext } from './context.ts';

/**
 * The whole text. Standard input is read as a stream: a pipe that has nothing to say yet answers a plain read with EAGAIN.
 */
export async function readInput(context: CommandContext, file: string): Promise<string> {
  return file === '-' ? await readStandardInput(context) : await readFile(file, 'utf8');
}

export async function readStandardInput(context: CommandContext): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of context.input ?? process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
