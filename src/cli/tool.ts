// What Postfix's tools have in common: words are theirs alone (commander sees none of them), messages begin with the
// tool's name, and any failure is one line with `fatal:` and exit status 1, as scripts expect.

import type { Command } from 'commander';
import type { Log } from '../lib/log.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { type CommandContext, CommandError, type ExitCode } from './context.ts';

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** What --help adds: the options, and examples. */
  readonly help: string;
  /** The exit status of a failure; 1 where nothing is said. */
  readonly failure?: ExitCode;
  run(context: CommandContext, args: readonly string[]): Promise<void>;
}

/** Names that `bin/posthaste` also answers to, whose arguments are getopt(3)'s. */
export const toolNames: ReadonlySet<string> = new Set([
  'postmap',
  'postalias',
  'newaliases',
  'postconf',
  'postfix',
  'postqueue',
  'postsuper',
  'mailq',
  'sendmail',
]);

export function registerTool(program: Command, context: CommandContext, tool: Tool): void {
  program
    .command(tool.name)
    .description(tool.description)
    .helpOption('--help', 'show this help')
    .allowUnknownOption()
    .argument('[arguments...]')
    .addHelpText('after', tool.help)
    .action((args: string[]) => withFatal(tool, () => tool.run(context, args)));
}

async function withFatal(tool: Tool, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const isExpected =
      error instanceof TemporaryError || (error instanceof Error && /^(Settings|Table)/.test(error.name));
    if (!isExpected) throw error;
    throw fatal(tool.name, (error as Error).message, tool.failure);
  }
}

export function fatal(tool: string, text: string, exitCode: ExitCode = 1): CommandError {
  return new CommandError(`fatal: ${text}`, exitCode, tool);
}

/** In the words of strerror(3) for what happens to people. */
export function errorText(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'No such file or directory';
  if (code === 'EACCES') return 'Permission denied';
  if (code === 'EISDIR') return 'Is a directory';
  return message;
}

/** What a table would log as a warning goes to standard error, once each. */
export function toolLog(tool: string, context: CommandContext, isShown: (text: string) => boolean = () => true): Log {
  const told = new Set<string>();
  return {
    write: (_program, level, text) => {
      if (level === 'info' || level === 'debug' || told.has(text) || !isShown(text)) return;
      told.add(text);
      context.warn(`${tool}: warning: ${text}`);
    },
  };
}

/** Ends the program with status 1, without a message: `postmap -q` that finds nothing. */
export function silentNo(tool: string): CommandError {
  return new CommandError('', 1, tool);
}
